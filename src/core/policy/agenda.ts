import type { Schedule, ScheduleMark, Timing } from "../model/schedule.js";

/** The first occurrence after that instant; undefined: there is none. Pure. */
export type NextOccurrence = (timing: Timing, afterMs: number) => number | undefined;

/** What is due of a schedule by now. Of several that were missed only the newest is left (B7.2). */
export interface Due {
  readonly dueAtMs: number;
  /** The first that was missed, where it is another one. */
  readonly firstAtMs: number;
  /** Up to when all that was due is dealt with by this. */
  readonly untilMs: number;
  /** Longer ago than its grace: it is not run any more. */
  readonly isMissed: boolean;
}

/** Those that are of this very timing of the schedule. */
function marksOf(schedule: Schedule, marks: readonly ScheduleMark[]): readonly ScheduleMark[] {
  const { id, uid, timedAtMs } = schedule;
  return marks.filter(
    (one) => one.schedule === id && one.uid === uid && one.timedAtMs === timedAtMs,
  );
}

/** What was dealt with last, by whichever placement led (B11.2). */
export function lastMark(
  schedule: Schedule,
  marks: readonly ScheduleMark[],
): ScheduleMark | undefined {
  return marksOf(schedule, marks).reduce<ScheduleMark | undefined>(
    (last, one) => (last === undefined || one.untilMs > last.untilMs ? one : last),
    undefined,
  );
}

/** The first occurrence that nobody has dealt with; undefined: none is left. Windows have none. */
export function openOccurrence(
  schedule: Schedule,
  marks: readonly ScheduleMark[],
  next: NextOccurrence,
): number | undefined {
  if (schedule.action.kind === "window") return undefined;
  return next(schedule.timing, lastMark(schedule, marks)?.untilMs ?? schedule.timedAtMs);
}

/**
 * What is to be done now: the newest occurrence that is not too old, or, where all are, the word
 * that they were missed. Costs as many steps as occurrences fit into the grace.
 */
export function dueOf(
  schedule: Schedule,
  marks: readonly ScheduleMark[],
  { nowMs, next }: { readonly nowMs: number; readonly next: NextOccurrence },
): Due | undefined {
  const first = openOccurrence(schedule, marks, next);
  if (first === undefined || first > nowMs) return undefined;
  const oldestMs = nowMs - schedule.graceMs;
  let newest: number | undefined;
  let at: number | undefined = first >= oldestMs ? first : next(schedule.timing, oldestMs - 1);
  while (at !== undefined && at <= nowMs) {
    newest = at;
    at = next(schedule.timing, at);
  }
  if (newest === undefined)
    return { dueAtMs: first, firstAtMs: first, untilMs: oldestMs, isMissed: true };
  return { dueAtMs: newest, firstAtMs: first, untilMs: newest, isMissed: false };
}
