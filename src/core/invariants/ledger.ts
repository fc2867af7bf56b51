import type { OperationClass } from "../model/colo.js";
import type { MusterEvent } from "../model/event.js";
import type { CloudServerId, PlacementKey, ServerId } from "../model/ids.js";
import type { OrphanRow } from "../model/orphan.js";
import type { PausableProcess } from "../model/pausable.js";
import type { PlacementDoc } from "../model/placement.js";
import type { Receipt } from "../model/scale-event.js";
import type { ServerRow, ServerState } from "../model/server.js";

/** A placement's partition as one commit left it. */
export interface Ledger {
  readonly key: PlacementKey;
  readonly lastSequence: number;
  readonly doc: PlacementDoc | undefined;
  readonly servers: ReadonlyMap<ServerId, ServerRow>;
  /** Servers that are reported as nobody's (B9.6). */
  readonly orphans?: ReadonlyMap<CloudServerId, OrphanRow>;
}

/** One commit that took effect: a single decision, or a batch of them as the store saw it. */
export interface CommitSeen {
  readonly before: Ledger;
  readonly after: Ledger;
  /** Rows of servers that it wrote or deleted. */
  readonly touched: readonly ServerId[];
  readonly events: readonly MusterEvent[];
  /** Receipts that it stored, by idempotency key. */
  readonly receipts: readonly { readonly key: string; readonly receipt: Receipt }[];
  /** Of the group (B9.3). */
  readonly surge: number;
  /** The life of the node that committed, where known. */
  readonly attemptId?: string;
}

/**
 * How far a life has come. It only goes on; in service and draining may change places, since demand
 * may come back (B5.3). Who stood by comes back as after a boot (B8.1).
 */
export const ages: Readonly<Record<Exclude<ServerState, "gone">, number>> = {
  intended: 0,
  unconfirmed: 1,
  abandoned: 2,
  building: 3,
  launching: 4,
  inService: 5,
  standingBy: 5,
  draining: 5,
  deleting: 6,
  releasing: 7,
};

/** Bound to a server of the cloud: there is something that must not be lost track of. */
export function isBound(row: ServerRow): boolean {
  return row.cloudId !== undefined;
}

/** Asked for, on its way or serving: what creates are counted against (B9.3). */
export function counts({ state }: ServerRow): boolean {
  const leaves = state === "draining" || state === "deleting" || state === "releasing";
  return !leaves && state !== "standingBy" && state !== "gone" && state !== "abandoned";
}

/**
 * The part of a group's work, of those that can be paused alone, that making or ending this server
 * belongs to (B8.1).
 */
export function partOf(
  operation: OperationClass | "tag",
  { replaces, leaving }: Pick<ServerRow, "replaces" | "leaving">,
  doc: PlacementDoc,
): PausableProcess | undefined {
  if (operation === "create") return replaces ? "replacement" : "scaleOut";
  const isTooMany = operation === "delete" && leaving?.code === "SURPLUS";
  return isTooMany && !doc.deleting ? "scaleIn" : undefined;
}

/** Whether a pause stops calls of this class: in words of its own, as everything here. */
export function isPaused(
  doc: PlacementDoc | undefined,
  operation: OperationClass | "tag",
): boolean {
  const { operations, sinceMs } = doc?.paused ?? {};
  if (sinceMs === undefined) return false;
  return operations === undefined || operations.some((one) => one === operation);
}
