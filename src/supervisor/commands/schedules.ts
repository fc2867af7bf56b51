import { Fault, type FieldViolation, invalidFields } from "../../core/errors/fault.js";
import type { Group } from "../../core/model/group.js";
import type { GroupKey, ScheduleId } from "../../core/model/ids.js";
import type { Schedule, ScheduleMark } from "../../core/model/schedule.js";
import { lastMark } from "../../core/policy/agenda.js";
import { nextDueOf } from "../../core/policy/next-due.js";
import { objectLimits } from "../api.js";
import type { Context } from "../context.js";
import { checkGeneration, type GroupChange, type GroupEntry } from "../group-book.js";
import { pageById } from "../page-by-id.js";
import { allPlacementsOf, groupIn, liveGroup, placementsOf } from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import { dueHintsOf } from "../schedules/due-hints.js";
import { timingProblem } from "../schedules/occurrences.js";
import type { ScheduleSpec, ScheduleUseCases, ScheduleView } from "../schedules/use-cases.js";

/** How many of the next times are shown. */
const nextTimesMax = 5;

export function createScheduleUseCases(context: Context): ScheduleUseCases {
  const { groups, clock, ids, nextOccurrence: next } = context;

  /** With the index that leads to it: written with the group, so that a crash loses neither. */
  function stored(group: Group, schedule: Schedule): GroupChange {
    const nowMs = clock.nowMs();
    const atMs = nextDueOf([schedule], [], { nowMs, next, isPaused: false });
    const hints = atMs === undefined ? [] : dueHintsOf(context, group, atMs);
    return { schedules: [schedule], hints };
  }

  /** Turns see what changed; those of other colos when it falls due there, at the latest. */
  function wakeAll(group: Group): void {
    for (const key of placementsOf(context, group)) context.wakeNow(key);
  }

  async function marksOf(group: Group, signal: AbortSignal): Promise<readonly ScheduleMark[]> {
    const states = await nearStates(context, allPlacementsOf(group), signal);
    return states.flatMap(({ schedules }) => [...schedules.values()]);
  }

  function viewOf(schedule: Schedule, marks: readonly ScheduleMark[]): ScheduleView {
    const last = lastMark(schedule, marks);
    const nextAtMs: number[] = [];
    let atMs = next(schedule.timing, Math.max(clock.nowMs(), last?.untilMs ?? 0));
    while (atMs !== undefined && nextAtMs.length < nextTimesMax) {
      nextAtMs.push(atMs);
      atMs = next(schedule.timing, atMs);
    }
    return { schedule, nextAtMs, ...(last && { last }) };
  }

  async function view(group: Group, schedule: Schedule, signal: AbortSignal) {
    return viewOf(schedule, await marksOf(group, signal));
  }

  return {
    async create({ key, schedule: wanted, spec }, { signal }) {
      await liveGroup(context, key, signal);
      const id = wanted ?? (`s-${ids.next()}` as ScheduleId);
      const uid = ids.next();
      const made = await groups.change(
        key,
        (entry) => {
          const group = groupIn(entry, key);
          if (entry.schedules.has(id))
            throw new Fault("SCHEDULE_EXISTS", { say: `there is a schedule ${id} already` });
          checkRoom(entry, key);
          const nowMs = clock.nowMs();
          checkSpec(entry, spec, nowMs);
          const times = { createdAtMs: nowMs, updatedAtMs: nowMs, timedAtMs: nowMs };
          const schedule: Schedule = { ...spec, id, uid, generation: 1, ...times };
          return { change: stored(group, schedule), reply: { group, schedule } };
        },
        signal,
      );
      wakeAll(made.group);
      return view(made.group, made.schedule, signal);
    },
    async get(key, schedule, { signal }) {
      const entry = await liveGroup(context, key, signal);
      return view(entry.group, scheduleIn(entry, schedule), signal);
    },
    async list({ key, ...page }, { signal }) {
      const { group, schedules } = await liveGroup(context, key, signal);
      const { items, more } = pageById(schedules.values(), page);
      const marks = items.length === 0 ? [] : await marksOf(group, signal);
      return { items: items.map((one) => viewOf(one, marks)), more };
    },
    async update({ key, schedule: id, change, expectedGeneration }, { signal }) {
      const edited = await groups.change(
        key,
        (entry) => {
          const group = groupIn(entry, key);
          const before = scheduleIn(entry, id);
          checkGeneration(before, expectedGeneration);
          const spec = change(before);
          const nowMs = clock.nowMs();
          const isRetimed = JSON.stringify(spec.timing) !== JSON.stringify(before.timing);
          checkSpec(entry, spec, isRetimed ? nowMs : undefined);
          const schedule: Schedule = {
            ...{ ...before, ...spec, updatedAtMs: nowMs },
            generation: before.generation + 1,
            timedAtMs: isRetimed ? nowMs : before.timedAtMs,
          };
          return { change: stored(group, schedule), reply: { group, schedule } };
        },
        signal,
      );
      wakeAll(edited.group);
      return view(edited.group, edited.schedule, signal);
    },
    async delete({ key, schedule, expectedGeneration }, { signal }) {
      const group = await groups.change(
        key,
        (entry) => {
          checkGeneration(scheduleIn(entry, schedule), expectedGeneration);
          const change = { schedulesGone: [schedule] };
          return { change, reply: groupIn(entry, key) };
        },
        signal,
      );
      wakeAll(group);
    },
  };
}

function scheduleIn({ schedules }: Pick<GroupEntry, "schedules">, id: ScheduleId): Schedule {
  const schedule = schedules.get(id);
  if (schedule) return schedule;
  throw new Fault("SCHEDULE_NOT_FOUND", { say: `there is no schedule ${id}` });
}

function checkRoom({ schedules }: GroupEntry, key: GroupKey): void {
  const { schedulesPerGroupMax } = objectLimits;
  if (schedules.size < schedulesPerGroupMax) return;
  throw new Fault("LIMIT_EXCEEDED", {
    say: `a group has at most ${schedulesPerGroupMax} schedules`,
    facts: { subject: `groups/${key.group}`, schedulesMax: String(schedulesPerGroupMax) },
  });
}

/**
 * @param timedAtMs when the timing is given; undefined: it is the one that it had.
 * @throws Fault `FIELD_INVALID` with paths in the schedule.
 */
function checkSpec(entry: GroupEntry, spec: ScheduleSpec, timedAtMs: number | undefined): void {
  const { action } = spec;
  const violations: FieldViolation[] = timedAtMs === undefined ? [] : timingFaults(spec, timedAtMs);
  if (action.kind === "policy" && !entry.policies.has(action.policy))
    violations.push({ field: "policy", description: "the group has no such policy" });
  if (violations.length > 0) throw invalidFields(violations);
}

function timingFaults({ timing, action }: ScheduleSpec, nowMs: number): FieldViolation[] {
  if (timing.kind === "at") {
    const endsAtMs = timing.atMs + (action.kind === "window" ? action.durationMs : 0);
    return endsAtMs > nowMs ? [] : [{ field: "at", description: "must not be over already" }];
  }
  const problem = timingProblem(timing, nowMs);
  if (!problem) return [];
  const field = problem.member === "cron" ? "cron.expression" : "cron.time_zone";
  return [{ field, description: problem.description }];
}
