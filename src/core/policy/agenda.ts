import type { EventId } from "../model/ids.js";
import type { ScaleAsk } from "../model/scale-event.js";
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
  /** What refused this very occurrence while schedules were paused. */
  readonly refusedBy?: EventId;
}

/** How occurrences follow each other, and whether schedules are paused (B8.1). */
export interface Calendar {
  readonly next: NextOccurrence;
  readonly isPaused: boolean;
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
    (last, one) => (last === undefined || isLater(one, last) ? one : last),
    undefined,
  );
}

/** What was refused under a pause may be dealt with once more. */
function isLater(one: ScheduleMark, other: ScheduleMark): boolean {
  if (one.untilMs !== other.untilMs) return one.untilMs > other.untilMs;
  return one.doneAtMs > other.doneAtMs;
}

/**
 * The first occurrence that nobody has dealt with; undefined: none is left. Windows have none. What
 * a pause of schedules refused is due again when they go on.
 */
export function openOccurrence(
  schedule: Schedule,
  marks: readonly ScheduleMark[],
  { next, isPaused }: Calendar,
): number | undefined {
  if (schedule.action.kind === "window") return undefined;
  const last = lastMark(schedule, marks);
  if (last?.waits && !isPaused) return last.dueAtMs;
  return next(schedule.timing, last?.untilMs ?? schedule.timedAtMs);
}

/**
 * What is to be done now: the newest occurrence that is not too old, or, where all are, the word
 * that they were missed. Costs as many steps as occurrences fit into the grace.
 */
export function dueOf(
  schedule: Schedule,
  marks: readonly ScheduleMark[],
  { nowMs, ...calendar }: Calendar & { readonly nowMs: number },
): Due | undefined {
  const { next } = calendar;
  const first = openOccurrence(schedule, marks, calendar);
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
  const last = lastMark(schedule, marks);
  const again = last?.waits && last.dueAtMs === newest ? { refusedBy: last.event } : {};
  return { dueAtMs: newest, firstAtMs: first, untilMs: newest, isMissed: false, ...again };
}

/** What an occurrence of it asks for. */
export function askOf({ action }: Schedule): ScaleAsk {
  switch (action.kind) {
    case "target":
      return { kind: "target", target: action.target };
    case "change":
      return { kind: "change", change: action.change };
    case "policy":
      return { kind: "policy", policy: action.policy };
    case "window":
      throw new Error("a window asks for nothing");
    default:
      return action satisfies never;
  }
}

/** That the occurrence is dealt with. */
export function markOf(
  { id, uid, timedAtMs }: Schedule,
  { dueAtMs, untilMs }: Due,
  done: { readonly atMs: number } & Pick<ScheduleMark, "outcome" | "event" | "waits">,
): ScheduleMark {
  const { atMs: doneAtMs, ...told } = done;
  return { schedule: id, uid, timedAtMs, dueAtMs, untilMs, doneAtMs, ...told };
}
