import type { Schedule, ScheduleMark } from "../model/schedule.js";
import { type Calendar, openOccurrence } from "./agenda.js";
import { openWindows } from "./windows.js";

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
