import type { LaunchConfiguration } from "../../core/model/group.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer, Ownership } from "../../core/model/server.js";

/** A server as the world knows it. Its status is a function of time, so it needs no timers. */
export interface SimulatedServer {
  readonly id: CloudServerId;
  readonly account: string;
  readonly name: string;
  readonly launch: LaunchConfiguration;
  /** Undefined: nobody asked for one. */
  readonly zone: string | undefined;
  /** Undefined on a server that is not ours. */
  readonly ownership: Ownership | undefined;
  readonly cell: number;
  readonly host: string;
  readonly createdAtMs: number;
  readonly builtAtMs: number;
  readonly buildFault: BuildFault | undefined;
  /** From then on it is in `list` and `find`. */
  readonly listedAtMs: number;
  /** What becomes of it later; the last entry whose time has come holds. */
  readonly turns: readonly Turn[];
  readonly deletedAtMs: number | undefined;
}

export interface BuildFault {
  readonly text: string;
  readonly faultKind?: "noCapacity";
}

export interface Turn {
  readonly atMs: number;
  /** Nova's word, or one never heard of; undefined: it is gone without a trace. */
  readonly status: string | undefined;
  readonly fault?: string;
  readonly faultKind?: "noCapacity";
}

/** Whether it exists: what `viewAt` tells, without making a view. */
export function isThere({ deletedAtMs, turns }: SimulatedServer, nowMs: number): boolean {
  if (deletedAtMs !== undefined && nowMs >= deletedAtMs) return false;
  const turn = turns.length === 0 ? undefined : turns.findLast(({ atMs }) => atMs <= nowMs);
  return turn === undefined || turn.status !== undefined;
}

/** As the cloud tells of it; undefined when it is gone. */
export function viewAt(server: SimulatedServer, nowMs: number): CloudServer | undefined {
  if (server.deletedAtMs !== undefined && nowMs >= server.deletedAtMs) return undefined;
  const turn = server.turns.findLast(({ atMs }) => atMs <= nowMs);
  const now: Turn | undefined = turn ?? birthAt(server, nowMs);
  if (now.status === undefined) return undefined;
  return {
    id: server.id,
    name: server.name,
    status: now.status,
    ...(server.deletedAtMs !== undefined && { taskState: "deleting" }),
    ...(now.status !== "BUILD" && { address: { host: server.host, port: 0 } }),
    ...(server.ownership && { ownership: server.ownership }),
    createdAtMs: server.createdAtMs,
    ...(now.fault !== undefined && { fault: now.fault }),
    ...(now.faultKind !== undefined && { faultKind: now.faultKind }),
  };
}

function birthAt(server: SimulatedServer, nowMs: number): Turn {
  if (nowMs < server.builtAtMs) return { atMs: server.createdAtMs, status: "BUILD" };
  if (server.buildFault !== undefined) {
    const { text, faultKind } = server.buildFault;
    const kind = faultKind === undefined ? {} : { faultKind };
    return { atMs: server.builtAtMs, status: "ERROR", fault: text, ...kind };
  }
  return { atMs: server.builtAtMs, status: "ACTIVE" };
}
