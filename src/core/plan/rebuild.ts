import { type Cause, cause } from "../model/cause.js";
import type { PlanLimits } from "../model/observation.js";
import { isActive, isOpen, type RebuildMark, roomOf } from "../model/rebuild.js";
import type { ServerRow } from "../model/server.js";
import {
  type Availability,
  createAvailability,
  type Fleet,
  fleetOf,
  isPinned,
  outdatedBy,
} from "./fleet.js";
import { mayMove } from "./lifecycle.js";
import { failedCause, provenIn } from "./proven.js";
import { keepsSurplus } from "./quarantine.js";
import { advance, goalOf, overOf, progressOf, protectedCause } from "./rebuild-phases.js";
import { type Sheet, sendAway } from "./sheet.js";
import { replacementStopped } from "./stays.js";

/** What a rebuild asks of those who close the gap to the target (B8.5). */
export interface Rollout {
  /** Goes first when there are too many. */
  readonly isOutdated: (row: ServerRow) => boolean;
  readonly isAvailable: Availability;
  /** So many servers may count: the target, and what is used of the surge. */
  readonly allowed: number;
  /** So many servers are to be made now, from this launch revision. */
  readonly successors: number;
  readonly revision: number;
}

/**
 * Takes the placement's rebuild as far as it goes now (B8.5): counts failures, ends batches, begins
 * the next, takes out servers whose successors serve, and says why it waits.
 *
 * @returns undefined: nothing is asked for, scaling goes on as ever.
 */
export function planRebuild(sheet: Sheet, target: number, limits: PlanLimits): Rollout | undefined {
  const judged = sheet.out.rebuild ?? sheet.seen.doc.rebuild;
  if (!judged || !sheet.seen.spec || sheet.seen.doc.deleting) return undefined;
  if (judged.phase === "completed" || judged.phase === "rolledBack") return undefined;
  const isAvailable = createAvailability(sheet);
  const before = fleetOf(sheet, judged, isAvailable);
  const goesOn = isActive(judged) || judged.phase === "waiting";
  const mark = goesOn ? advance(sheet, judged, before, target) : judged;
  if (mark !== judged) sheet.setRebuild(mark);
  tell(sheet, mark, before, target);
  if (isActive(mark)) return replace(sheet, mark, { target, isAvailable, limits });
  const idle = { isAvailable, allowed: target, successors: 0, revision: mark.revision };
  if (mark.phase === "waiting") return { ...idle, isOutdated: outdatedBy(mark) };
  // What has not proven itself goes before what has.
  const proven = provenIn(sheet);
  const isEnded = mark.phase === "stopped" || mark.phase === "cancelled";
  if (!isEnded || proven === undefined || proven >= mark.revision) return undefined;
  return { ...idle, isOutdated: (row) => row.launchRevision === mark.revision };
}

/** Looks again at once when a server has come into service: others may go by that. */
export function followServing(sheet: Sheet): void {
  const { rebuild } = sheet.seen.doc;
  if (!rebuild || !isActive(rebuild)) return;
  const served = sheet.seen.rows.some(
    ({ id, state }) => state === "launching" && sheet.row(id).state === "inService",
  );
  if (served) sheet.wakeAt(sheet.seen.nowMs);
}

interface Replacing {
  readonly target: number;
  readonly isAvailable: Availability;
  readonly limits: PlanLimits;
}

function replace(sheet: Sheet, mark: RebuildMark, of: Replacing): Rollout {
  const { target, isAvailable, limits } = of;
  const room = roomOf(mark.options, target);
  const stopped = stoppedBy(sheet);
  const held = stopped ?? unansweredBy(sheet, limits);
  if (held) sheet.wait(cause("B8.5", "REBUILD_HELD", { because: held.code }));
  else takeOut(sheet, mark, { ...of, fewest: target - room.unavailable });
  // What makes a server available need not be an event of ours.
  if (mark.restUntilMs === undefined) sheet.wakeAt(sheet.seen.nowMs + limits.pollMs);
  const fleet = fleetOf(sheet, mark, isAvailable);
  const allowed = target + Math.min(room.surge, overOf(mark, fleet, target));
  const counted = fleet.current + fleet.outdated.length;
  // While none can be taken out no more are made than are missing.
  const free = (stopped ? target : allowed) - counted;
  return {
    isOutdated: outdatedBy(mark),
    isAvailable,
    allowed,
    successors: Math.max(0, Math.min(goalOf(mark, fleet, target) - fleet.current, free)),
    revision: mark.phase === "rollingBack" ? (mark.fromRevision ?? mark.revision) : mark.revision,
  };
}

/** Takes out servers that are over, unless too few would be left. */
function takeOut(
  sheet: Sheet,
  mark: RebuildMark,
  { target, isAvailable, fewest }: Replacing & { readonly fewest: number },
): void {
  const fleet = fleetOf(sheet, mark, isAvailable);
  let over = overOf(mark, fleet, target);
  let { available } = fleet;
  let counted = fleet.current + fleet.outdated.length;
  const serves = new Set(fleet.outdated.filter(isAvailable));
  const inOrder = fleet.outdated
    .filter((row) => !isPinned(row) && mayMove(row.state, "delete"))
    .toSorted((a, b) => Number(serves.has(a)) - Number(serves.has(b)) || olderFirst(a, b));
  for (const row of inOrder) {
    if (over === 0) return;
    if ((serves.has(row) ? available : counted) <= fewest) continue;
    if (serves.has(row)) available--;
    counted--;
    over--;
    const facts = { revision: row.launchRevision, newRevision: mark.revision, batch: mark.batch };
    const why = cause("B8.5", "REBUILT", facts);
    sendAway(sheet, row, why);
  }
}

function olderFirst(a: ServerRow, b: ServerRow): number {
  return (
    a.launchRevision - b.launchRevision || a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1)
  );
}

/** Why no server is replaced now: that is stopped, or would be without a person's word. */
function stoppedBy(sheet: Sheet): Cause | undefined {
  return replacementStopped(sheet) ?? keepsSurplus(sheet) ?? sheet.out.holds[0];
}

/** Why nobody can tell whether a successor would come. That one is tried is the way to know. */
function unansweredBy(sheet: Sheet, { createsWait }: PlanLimits): Cause | undefined {
  const { nowMs, doc } = sheet.seen;
  const { backoff } = doc;
  const isBackedOff = sheet.out.failure !== undefined || (backoff && nowMs < backoff.retryAtMs);
  if (isBackedOff) return cause("B4.6", "BACKOFF");
  // A cloud that is only asked a little at a time makes servers all the same.
  return createsWait?.facts["stoppedAtMs"] === undefined ? undefined : createsWait;
}

/** Says how far it is and what it waits for. */
function tell(sheet: Sheet, mark: RebuildMark, fleet: Fleet, target: number): void {
  if (isOpen(mark) && fleet.pinned > 0) sheet.wait(protectedCause(fleet));
  if (isActive(mark)) sheet.wait(progressOf(mark, fleet, target));
  tellStanding(sheet, mark);
}

/** What it waits for whatever the servers do. */
export function tellStanding(sheet: Sheet, mark: RebuildMark): void {
  const { restUntilMs, waitUntilMs } = mark;
  switch (mark.phase) {
    case "rolling":
      if (restUntilMs === undefined) return;
      sheet.wait(cause("B8.5", "REBUILD_RESTS", { restUntilMs }));
      sheet.wakeAt(restUntilMs);
      return;
    case "waiting": {
      const percent = mark.options.checkpoints[mark.passed - 1] ?? 0;
      const until = waitUntilMs === undefined ? { forPerson: true } : { waitUntilMs };
      sheet.wait(cause("B8.5", "REBUILD_CHECKPOINT", { percent, ...until }));
      if (waitUntilMs !== undefined) sheet.wakeAt(waitUntilMs);
      return;
    }
    case "queued":
      sheet.wait(cause("B8.5", "REBUILD_QUEUED", { revision: mark.revision }));
      return;
    case "stopped":
      sheet.wait(failedCause(mark));
      return;
    default:
      return;
  }
}
