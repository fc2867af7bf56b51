import { isFault } from "../../src/core/errors/fault.js";
import type { GroupKey, PolicyId, ScheduleId } from "../../src/core/model/ids.js";
import type { ScheduleAction } from "../../src/core/model/schedule.js";
import type { Caller } from "../../src/supervisor/api.js";
import type { ScheduleSpec, ScheduleUseCases } from "../../src/supervisor/schedules/use-cases.js";
import type { Dice } from "./dice.js";
import { type Action, type GroupPlan, nameOf, type SchedulePlan } from "./scenario.js";

const minuteMs = 60_000;
/** A few minutes that fit into an hour evenly, as the oracle reads them. */
const everyMinutes = [1, 2, 5] as const;

/** Some groups have schedules, which come, change and go. */
export function drawSchedules(dice: Dice, plan: GroupPlan, durationMs: number): Action[] {
  if (!dice.chance(0.12)) return [];
  const group = nameOf(plan);
  const count = dice.whole(1, 4);
  return Array.from({ length: count }, (): Action => {
    const about = { atMs: dice.whole(0, durationMs), group, via: dice.whole(0, 2) };
    const id = dice.pick(["a", "b"]);
    if (dice.chance(0.15)) return { ...about, kind: "unschedule", id };
    const plan = { id, everyMinutes: dice.pick(everyMinutes), does: drawAction(dice) };
    return { ...about, kind: "schedule", ...plan };
  });
}

function drawAction(dice: Dice): ScheduleAction {
  const kind = dice.pick(["target", "change", "policy", "window"] as const);
  switch (kind) {
    case "target":
      return { kind, target: dice.whole(0, 5) };
    case "change":
      return { kind, change: dice.pick([-1, 1]) };
    case "policy":
      return { kind, policy: dice.pick(["up", "down"]) as PolicyId };
    case "window": {
      const name = dice.pick(["min", "max", "floor"] as const);
      return {
        kind,
        limits: { [name]: dice.whole(0, 4) },
        durationMs: dice.spanMs(30_000, 240_000),
      };
    }
    default:
      return kind satisfies never;
  }
}

/** Makes it, or makes it another. */
export function putSchedule(schedules: ScheduleUseCases, key: GroupKey, plan: SchedulePlan) {
  const schedule = plan.id as ScheduleId;
  const spec: ScheduleSpec = {
    ...{ displayName: plan.id, action: plan.does, graceMs: 60 * minuteMs },
    timing: { kind: "cron", cron: `*/${plan.everyMinutes} * * * *`, timeZone: "UTC" },
  };
  return async (caller: Caller): Promise<unknown> => {
    try {
      return await schedules.create({ key, schedule, spec }, caller);
    } catch (error) {
      if (!isFault(error, "SCHEDULE_EXISTS")) throw error;
      return schedules.update({ key, schedule, change: () => spec }, caller);
    }
  };
}

/** So that a group comes to rest. */
export async function dropSchedules(
  schedules: ScheduleUseCases,
  key: GroupKey,
  caller: Caller,
): Promise<void> {
  const { items } = await schedules.list({ key, pageSize: 100 }, caller);
  for (const { schedule } of items) await schedules.delete({ key, schedule: schedule.id }, caller);
}
