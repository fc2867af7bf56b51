import { type Cause, cause } from "../model/cause.js";
import { type RebuildMark, type RebuildPhase, roomOf } from "../model/rebuild.js";
import type { Fleet } from "./fleet.js";
import type { Sheet } from "./sheet.js";

/** So many of the outdated servers are to go within this batch. */
export function overOf({ goal }: Pick<RebuildMark, "goal">, fleet: Fleet, target: number): number {
  const stay = Math.max(fleet.pinned, target - goalOf({ goal }, fleet, target));
  return Math.max(0, fleet.outdated.length - stay);
}

/** The batch's goal, as far as the target leaves room for it by now. */
export function goalOf({ goal }: Pick<RebuildMark, "goal">, fleet: Fleet, target: number): number {
  return Math.max(0, Math.min(goal, target - fleet.pinned));
}

/**
 * Ends what is over and begins what comes next: a batch, a rest, a checkpoint, the end. Depends on
 * the mark and the servers alone, so that every plan comes to the same.
 */
export function advance(
  sheet: Sheet,
  mark: RebuildMark,
  fleet: Fleet,
  target: number,
): RebuildMark {
  const { nowMs } = sheet.seen;
  const { checkpoints, checkpointWaitMs, pauseMs } = mark.options;
  const reached = checkpoints.filter((one) => fleet.serving * 100 >= one * target).length;
  const tell = (type: "batch" | "waiting" | "continued", now: RebuildMark) =>
    sheet.event(`rebuild.${type}`, undefined, progressOf(now, fleet, target));

  if (mark.phase === "waiting") {
    if (mark.waitUntilMs === undefined || nowMs < mark.waitUntilMs) return mark;
    const going = goOn(mark, nowMs);
    tell("continued", going);
    return advance(sheet, going, fleet, target);
  }
  const isOver = fleet.serving >= goalOf(mark, fleet, target) && overOf(mark, fleet, target) === 0;
  if (!isOver) return mark;
  const isRolling = mark.phase === "rolling";
  const isDone = fleet.outdated.length === fleet.pinned;
  // Where there is nothing to try it with, nothing can be harmed by it either.
  if (isRolling && (isDone || (mark.batch > 0 && fleet.serving > 0)))
    sheet.setProven(mark.revision);
  if (isDone) return complete(sheet, mark, fleet);
  if (isRolling && mark.batch > 0) {
    if (reached > mark.passed) {
      const until = checkpointWaitMs === undefined ? {} : { waitUntilMs: nowMs + checkpointWaitMs };
      const waiting = { ...enter(mark, "waiting", nowMs), passed: reached, ...until };
      tell("waiting", waiting);
      return waiting;
    }
    const { restUntilMs } = mark;
    if (restUntilMs === undefined && pauseMs > 0) return { ...mark, restUntilMs: nowMs + pauseMs };
    if (restUntilMs !== undefined && nowMs < restUntilMs) return mark;
  }
  const { restUntilMs: _rested, ...rested } = mark;
  const next = { ...rested, batch: mark.batch + 1, goal: nextGoal(mark, fleet, target) };
  tell("batch", next);
  return next;
}

/** The mark in another phase: what it waited for in the one before is over. */
export function enter(mark: RebuildMark, phase: RebuildPhase, nowMs: number): RebuildMark {
  const { restUntilMs: _rest, waitUntilMs: _wait, ...rest } = mark;
  return { ...rest, phase, sinceMs: nowMs };
}

/** The mark once a checkpoint is passed: by time, or by a person's word. */
export function goOn(mark: RebuildMark, nowMs: number): RebuildMark {
  return enter(mark, "rolling", nowMs);
}

/** The mark on its way back to what was proven before; all at once, without checkpoints. */
export function turnBack(mark: RebuildMark, nowMs: number): RebuildMark {
  return { ...enter(mark, "rollingBack", nowMs), batch: 0, goal: 0 };
}

/** Ends at the next checkpoint, where one is ahead. */
function nextGoal(mark: RebuildMark, fleet: Fleet, target: number): number {
  const { surge, unavailable } = roomOf(mark.options, target);
  const checkpoint = mark.options.checkpoints[mark.passed];
  const isCut = checkpoint !== undefined && mark.phase === "rolling";
  const most = isCut ? Math.ceil((checkpoint * target) / 100) : target;
  const wanted = Math.min(fleet.current + surge + unavailable, Math.max(fleet.current + 1, most));
  return Math.max(0, Math.min(wanted, target - fleet.pinned));
}

function complete(sheet: Sheet, mark: RebuildMark, fleet: Fleet): RebuildMark {
  const { batch, revision } = mark;
  const isBack = mark.phase === "rollingBack";
  const left = fleet.pinned === 0 ? [] : [protectedCause(fleet)];
  const done = cause("B8.5", "REBUILD_DONE", { revision, batches: batch });
  sheet.event(isBack ? "rebuild.rolled_back" : "rebuild.completed", undefined, done, ...left);
  return enter(mark, isBack ? "rolledBack" : "completed", sheet.seen.nowMs);
}

export function progressOf(
  { batch, revision, goal, phase }: RebuildMark,
  { serving }: Fleet,
  target: number,
): Cause {
  const facts = { batch, revision, goal, serving, target };
  return cause("B8.5", phase === "rollingBack" ? "REBUILD_BACK" : "REBUILD_BATCH", facts);
}

export function protectedCause({ pinned }: Fleet): Cause {
  return cause("B8.5", "REBUILD_PROTECTED", { count: pinned });
}
