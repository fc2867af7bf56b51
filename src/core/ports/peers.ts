import type { ColoId } from "../model/ids.js";
import type { Call } from "./call.js";

/** Nodes of the installation's other colos. One hop: what a peer was asked is never handed on. */
export interface Peers {
  /** The installation's colos that this node does not serve itself. */
  readonly colos: readonly ColoId[];

  /**
   * Has a node of the colo carry out a command, in the name of the caller. The answer is the
   * command's own result, as JSON; what a command ends with besides is the Fault that it threw,
   * with its reason, `say`, facts, violations and delay.
   *
   * @throws Fault `COLO_UNREACHABLE`: certainly not carried out, no node took it.
   * @throws Fault `PEER_UNKNOWN`: may or may not be carried out, its answer was lost or is late.
   *   Commands are idempotent by their ids: repeat it to know.
   */
  ask(colo: ColoId, command: PeerCommand, call: Call): Promise<unknown>;
}

export interface PeerCommand {
  /** E.g. `scaling.submit`. */
  readonly name: string;
  /** Plain JSON. */
  readonly request: unknown;
  /** Who asked. The node that was asked first has checked it; its peers take its word. */
  readonly principal: string;
  /** The caller's, for logs and events of both nodes. */
  readonly requestId?: string;
}

/** What a node does with what its peers ask of it. */
export interface PeerDoor {
  /** @throws Fault `UNSUPPORTED`: no such command in this version. */
  answer(command: PeerCommand, signal: AbortSignal): Promise<unknown>;
}
