import type { ConditionType, PlacementDoc } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import type { Ledger } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/** How long a wait may last before it must have ended or be reported (B4.11). */
export interface WaitBounds {
  /** Of the group (B4.2). */
  readonly buildTimeoutMs: number;
  /** The longest of the placement's attachments (B5.3). */
  readonly drainTimeoutMs: number;
  /** Of the cloud. */
  readonly listingLagMs: number;
  /** What is granted beyond every deadline: turns, polls, retries. */
  readonly graceMs: number;
}

/** Attaching and health, without which no server is in service (B6.1). */
const launchMs = 10 * 60_000;
/** A membership that cannot be removed (B5.2), and a delete that is not confirmed (B4.10). */
const detachMs = 5 * 60_000;
const deleteMs = 15 * 60_000;

/** When the row's state must have ended or be reported; undefined: it is no wait. */
export function dueAtMs(row: ServerRow, bounds: WaitBounds): number | undefined {
  const { graceMs, listingLagMs } = bounds;
  switch (row.state) {
    case "intended":
    case "unconfirmed":
      return row.attempt.callDeadlineMs + listingLagMs + graceMs;
    case "building":
      return row.sinceMs + bounds.buildTimeoutMs + graceMs;
    case "launching":
      return row.sinceMs + launchMs + graceMs;
    case "draining":
      return (row.drainingSinceMs ?? row.sinceMs) + bounds.drainTimeoutMs + detachMs + graceMs;
    case "deleting":
      return (row.deletingSinceMs ?? row.sinceMs) + detachMs + deleteMs + graceMs;
    case "releasing":
      return row.sinceMs + detachMs + deleteMs + graceMs;
    case "inService":
    case "standingBy":
    case "abandoned":
    case "gone":
      return undefined;
    default:
      return row.state satisfies never;
  }
}

/** I10: a wait past its deadline shows in the placement's conditions (B4.9, B4.11). */
export function checkWaits(
  { doc, servers }: Pick<Ledger, "doc" | "servers">,
  nowMs: number,
  bounds: WaitBounds,
): Violation | undefined {
  if (doc && isReported(doc)) return undefined;
  for (const row of servers.values()) {
    const dueMs = dueAtMs(row, bounds);
    if (dueMs === undefined || nowMs < dueMs) continue;
    const facts = { server: row.id, state: row.state, overdueMs: nowMs - dueMs };
    return violation("I10", "B4.11", `${row.id}/${row.state}`, facts);
  }
  return undefined;
}

/** The other conditions hold while all is well: they tell of no wait. */
const reporting: ReadonlySet<ConditionType> = new Set([
  ...(["waiting", "held", "braked", "degraded", "paused"] as const),
]);

function isReported({ paused, conditions }: PlacementDoc): boolean {
  return paused !== undefined || conditions.some(({ type, holds }) => holds && reporting.has(type));
}
