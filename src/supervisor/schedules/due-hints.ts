import type { Group } from "../../core/model/group.js";
import type { Schedule, ScheduleMark } from "../../core/model/schedule.js";
import { type Calendar, openOccurrence } from "../../core/policy/agenda.js";
import { openWindows } from "../../core/policy/windows.js";
import type { Hint } from "../../core/ports/store.js";
import type { Context } from "../context.js";
import { allPlacementsOf } from "../placements/ensure.js";
import { dueHint } from "../placements/hints.js";

/**
 * When something is to be done next because of a group's schedules; undefined: never. In the past
 * where it is due already.
 */
export function nextDueOf(
  schedules: readonly Schedule[],
  marks: readonly ScheduleMark[],
  { nowMs, next, isPaused }: Calendar & { readonly nowMs: number },
): number | undefined {
  const times = [
    openWindows(schedules, { nowMs, next }).nextAtMs,
    ...schedules.map((one) => openOccurrence(one, marks, { next, isPaused })),
  ].filter((atMs) => atMs !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** In every colo of the group: each walks from one due time to the next by itself. */
export function dueHintsOf(context: Context, group: Group, atMs: number): readonly Hint[] {
  // All colos have equally many shards: any colo's leases tell.
  const [colo] = context.colos.values();
  const shard = colo!.leases.shardOf({ account: group.account, group: group.id });
  return allPlacementsOf(group).map((key) => dueHint({ key, shard, atMs }));
}
