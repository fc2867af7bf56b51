import type { MusterEvent } from "../../../src/core/model/event.js";
import type { ScheduleId } from "../../../src/core/model/ids.js";
import type { Timing } from "../../../src/core/model/schedule.js";
import type { ScheduleSpec } from "../../../src/supervisor/schedules/use-cases.js";
import { web } from "../asks.js";
import type { World } from "../world.js";

/** What is asked of schedules, and what can be seen of them. */

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
/** When every world begins: a full hour. */
export const startMs = Date.UTC(2026, 0, 1);
export const scheduleId = "morning" as ScheduleId;

export const cron = (expression: string, timeZone = "UTC"): Timing => ({
  kind: "cron",
  cron: expression,
  timeZone,
});

export const at = (atMs: number): Timing => ({ kind: "at", atMs });

/** +1 every five minutes. */
export function scheduleSpec(change: Partial<ScheduleSpec> = {}): ScheduleSpec {
  return {
    displayName: "one more",
    timing: cron("*/5 * * * *"),
    action: { kind: "change", change: 1 },
    graceMs: hourMs,
    ...change,
  };
}

export function createSchedule(
  world: World,
  change: Partial<ScheduleSpec> = {},
  id: string = scheduleId,
) {
  const request = { key: web, schedule: id as ScheduleId, spec: scheduleSpec(change) };
  return world.run(world.node().schedules.create(request, world.caller));
}

export function editSchedule(world: World, change: Partial<ScheduleSpec>) {
  const edit = (spec: ScheduleSpec) => ({ ...spec, ...change });
  const request = { key: web, schedule: scheduleId, change: edit };
  return world.run(world.node().schedules.update(request, world.caller));
}

export function deleteSchedule(world: World, schedule = scheduleId) {
  return world.run(world.node().schedules.delete({ key: web, schedule }, world.caller));
}

export function scheduleOf(world: World, schedule = scheduleId) {
  return world.run(world.node().schedules.get(web, schedule, world.caller));
}

/** Decided because of schedules, in order. */
export async function runsOf(world: World): Promise<readonly MusterEvent[]> {
  const events = await world.events();
  return events.filter(({ type, facts }) => type === "scale.decided" && "schedule" in facts);
}

/** Lets time pass until that moment. */
export async function advanceTo(world: World, atMs: number): Promise<void> {
  await world.clock.advance(atMs - world.clock.nowMs());
}
