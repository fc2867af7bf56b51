import type { Group } from "../model/group.js";
import type { EventId, ScheduleId } from "../model/ids.js";
import type { PlacementDoc } from "../model/placement.js";
import type { Policy } from "../model/policy.js";
import type { ScaleEvent } from "../model/scale-event.js";
import type { Schedule, ScheduleMark } from "../model/schedule.js";
import type { SimulatedDecision } from "../model/simulation.js";
import { askOf, type Due, dueOf, markOf, type NextOccurrence } from "../policy/agenda.js";
import { settleLimits } from "../policy/limits.js";
import { nextDueOf } from "../policy/next-due.js";
import type { unansweredOf } from "../policy/unanswered.js";
import { openWindows, settleWindow } from "../policy/windows.js";

/** A placement of a replay, and the servers that demand is answered by. */
export interface ReplayPart {
  doc: PlacementDoc;
  readonly servers: Parameters<typeof unansweredOf>[0]["servers"];
}

export interface ReplayOf {
  readonly group: Group;
  readonly policies: readonly Policy[];
  readonly schedules: readonly Schedule[];
  readonly next: NextOccurrence;
  /** In the group's order; the first one leads. */
  readonly parts: readonly [ReplayPart, ...ReplayPart[]];
  readonly nextId: () => EventId;
}

export interface TimePassing {
  /** What time alone brings: force expires, windows turn (B7.4), schedules are due (B7.2). */
  passTime(nowMs: number): readonly SimulatedDecision[];
  /** When time brings something next; undefined: never. */
  nextDueMs(nowMs: number): number | undefined;
}

export function createTimePassing(
  { group, schedules, next, parts, nextId }: ReplayOf,
  submit: (event: ScaleEvent) => SimulatedDecision,
): TimePassing {
  const marks = new Map<ScheduleId, ScheduleMark>();
  /** Nothing is paused in a simulation. */
  const calendar = { next, isPaused: false };

  /** Forced limits that ran out no longer hold a target beyond the group's own (B2.7). */
  function expireForce(nowMs: number): void {
    for (const part of parts) {
      const { forced, ...rest } = part.doc;
      if (!forced || nowMs < forced.expiresAtMs) continue;
      part.doc = { ...rest, target: settleLimits(part.doc, nowMs).target };
    }
  }

  function keepWindows(nowMs: number): void {
    const open = openWindows(schedules, { nowMs, next });
    const { placements } = group;
    for (const part of parts) {
      const settled = settleWindow(part.doc, { placements, open }, { nowMs, by: nextId() });
      if (settled) part.doc = settled.doc;
    }
  }

  /** An occurrence that is too late for its grace comes to nothing, as it does in truth. */
  function runOne(schedule: Schedule, due: Due, nowMs: number): readonly SimulatedDecision[] {
    const id = nextId();
    const done = { atMs: nowMs, event: id };
    if (due.isMissed) {
      marks.set(schedule.id, markOf(schedule, due, { ...done, outcome: "missed" }));
      return [];
    }
    const { dueAtMs, firstAtMs } = due;
    const decided = submit({
      ...{ id, atMs: nowMs, source: "schedule", principal: "muster:schedule" },
      ask: askOf(schedule),
      occurrence: { schedule: schedule.id, dueAtMs, firstAtMs, graceMs: schedule.graceMs },
    });
    const { outcome } = decided.receipt;
    marks.set(schedule.id, markOf(schedule, due, { ...done, outcome }));
    return [decided];
  }

  return {
    passTime(nowMs) {
      expireForce(nowMs);
      keepWindows(nowMs);
      const done = [...marks.values()];
      // What one of them does is no mark of another.
      return schedules
        .flatMap((schedule) => {
          const due = dueOf(schedule, done, { nowMs, ...calendar });
          return due ? [{ schedule, due }] : [];
        })
        .toSorted((a, b) => a.due.dueAtMs - b.due.dueAtMs)
        .flatMap(({ schedule, due }) => runOne(schedule, due, nowMs));
    },
    nextDueMs(nowMs) {
      const times = parts.flatMap(({ doc }) => doc.forced?.expiresAtMs ?? []);
      const dueMs = nextDueOf(schedules, [...marks.values()], { nowMs, ...calendar });
      const all = dueMs === undefined ? times : [...times, dueMs];
      return all.length === 0 ? undefined : Math.min(...all);
    },
  };
}
