import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { Schedule, ScheduleMark } from "../../../src/core/model/schedule.js";
import type { Commit } from "../../../src/core/ports/store.js";

/**
 * B7.2 by what is on record: in each placement an occurrence is dealt with once, with the very
 * commit that decided it, and none that is due is left. Expressions are `N` of every `N` minutes:
 * the oracle needs no library to read them.
 */
export interface ScheduleChecks {
  committed(commit: Commit): Violation[];
  /** What should have run a minute ago and was not dealt with, in words. */
  overdue(nowMs: number, isLive: (group: string) => boolean): readonly string[];
}

const minuteMs = 60_000;
const graceMs = minuteMs;

export function createScheduleChecks(): ScheduleChecks {
  /** By `account/group` and id. */
  const schedules = new Map<string, Map<string, Schedule>>();
  const dealtWith = new Set<string>();
  /** By schedule and timing: up to when. */
  const untilMs = new Map<string, number>();

  const textOf = ({ uid, timedAtMs }: Pick<ScheduleMark, "uid" | "timedAtMs">) =>
    `${uid}/${timedAtMs}`;

  function configured({ partition, puts, deletes }: Commit): void {
    const own = schedules.get(partition.key) ?? new Map<string, Schedule>();
    schedules.set(partition.key, own);
    for (const { kind, key, value } of puts)
      if (kind === "schedule") own.set(key, JSON.parse(value) as Schedule);
    for (const { kind, key } of deletes) if (kind === "schedule") own.delete(key);
  }

  function ran({ partition, puts, events }: Commit): Violation[] {
    const found: Violation[] = [];
    const marked = new Set<string>();
    for (const { kind, value } of puts) {
      if (kind !== "schedule") continue;
      const mark = JSON.parse(value) as ScheduleMark;
      marked.add(mark.event);
      const text = textOf(mark);
      const occurrence = `${partition.key}/${text}/${mark.dueAtMs}`;
      if (dealtWith.has(occurrence)) found.push(violation("I6", "B7.2", occurrence, {}));
      // What a pause of schedules refused may be dealt with once more, after it (B8.1).
      if (!mark.waits) dealtWith.add(occurrence);
      untilMs.set(text, Math.max(untilMs.get(text) ?? 0, mark.untilMs));
    }
    for (const { id, type, facts } of events)
      if (type === "scale.decided" && "schedule" in facts && !marked.has(id))
        found.push(violation("I6", "B7.2", `${id}/unmarked`, { event: id }));
    return found;
  }

  return {
    committed(commit) {
      if (commit.partition.scope === "group") configured(commit);
      return commit.partition.scope === "placement" ? ran(commit) : [];
    },
    overdue(nowMs, isLive) {
      return [...schedules].flatMap(([group, own]) =>
        [...own.values()].flatMap((schedule) => {
          if (schedule.action.kind === "window" || !isLive(group)) return [];
          const sinceMs = untilMs.get(textOf(schedule)) ?? schedule.timedAtMs;
          const atMs = nextOf(schedule, sinceMs);
          const late = nowMs - atMs > graceMs;
          return late ? [`${group}/${schedule.id} of ${new Date(atMs).toISOString()}`] : [];
        }),
      );
    },
  };
}

function nextOf({ timing }: Schedule, sinceMs: number): number {
  if (timing.kind === "at") return timing.atMs;
  const everyMs = Number(/^\*\/(\d+) /.exec(timing.cron)?.[1]) * minuteMs;
  return (Math.floor(sinceMs / everyMs) + 1) * everyMs;
}
