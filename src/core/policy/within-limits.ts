import { serversPerPlacementMax } from "../model/hard-limits.js";
import { clampTarget } from "./arithmetic.js";
import type { Case } from "./case.js";
import { effectiveLimits, type Limits } from "./limits.js";
import { sum } from "./numbers.js";
import type { Shape } from "./shape.js";

/** Whether the event's force still lifts the group's own limits (B2.7). */
export function isLifted({ event, input }: Pick<Case, "event" | "input">): boolean {
  return event.force !== undefined && event.force.expiresAtMs > input.nowMs;
}

/** Each placement's limits as they hold now, in the group's order. */
export function limitsNow({ input }: Pick<Case, "input">): readonly Limits[] {
  return input.placements.map((placement) => effectiveLimits(placement, input.nowMs));
}

/** The group's limits are the sums of its placements' (B2.4, B11.3). */
export const keepLimits: Shape = (one) => {
  const limits = limitsNow(one);
  const hard = isLifted(one);
  const min = hard ? 0 : sum(limits.map((limit) => limit.min));
  const max = hard ? limits.length * serversPerPlacementMax : sum(limits.map((limit) => limit.max));
  const { target, causes } = clampTarget({ from: one.from, wanted: one.wanted, min, max, hard });
  return causes.length === 0 ? undefined : { wanted: target, causes };
};
