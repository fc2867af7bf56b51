import type { Cause } from "./cause.js";
import type { OperationClass } from "./colo.js";
import type { ExplainedWait } from "./explanation.js";
import type { ColoId, LoadBalancerId, ServerId } from "./ids.js";
import type { Receipt } from "./scale-event.js";

/** What would be done for a group now, and why. Nothing of it is done. */
export interface GroupPlan {
  readonly placements: readonly PlacementPlan[];
  /** What a scale event with the target that was asked about would be answered. */
  readonly receipt?: Receipt;
}

export interface PlacementPlan {
  readonly colo: ColoId;
  readonly target: number;
  readonly inService: number;
  readonly pending: number;
  readonly leaving: number;
  readonly actions: readonly PlannedAction[];
  /** What it would wait for, as its conditions would say. */
  readonly waits: readonly ExplainedWait[];
  /** Calls that may not start at the moment: kill switch, pause, lease (B9.1). */
  readonly stopped: readonly { readonly operation: OperationClass; readonly cause: Cause }[];
  /** When the placement would be looked at again; undefined: nothing would be on its way. */
  readonly nextLookAtMs?: number;
}

/** One thing that the next turn would do. */
export interface PlannedAction {
  readonly kind: PlannedActionKind;
  readonly count: number;
  readonly server?: ServerId;
  readonly loadBalancer?: LoadBalancerId;
  readonly address?: string;
  readonly causes: readonly Cause[];
}

export type PlannedActionKind =
  /** New servers are asked for. */
  | "create"
  /** An intention whose call has not begun is taken back. */
  | "withdraw"
  /** The server begins to leave its load balancers. */
  | "drain"
  /** A leaving server goes back into service. */
  | "return"
  /** The server's end is decided. */
  | "leave"
  /** The cloud is asked to delete the server. */
  | "delete"
  /** The ledger follows what the cloud says of the server: bound, active, in service, gone. */
  | "note"
  | "putMember"
  | "drainMember"
  | "removeMember"
  /** The cloud is asked whether there is such a server. */
  | "lookUp"
  /** The server's tags are written or taken away. */
  | "tag";
