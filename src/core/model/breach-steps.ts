import type { BreachStep } from "./policy.js";

type Bounds = Pick<BreachStep, "lower" | "upper">;
/** On which side of the threshold steps lie: where values are too high, or too low. */
export type Side = "above" | "below";

export function sideOf(steps: readonly Bounds[]): Side {
  const isBelow = ({ lower = 0, upper = 1 }: Bounds) => lower < 0 || upper <= 0;
  return steps.some(isBelow) ? "below" : "above";
}

/** A rule that a list of steps breaks, and the field of the list that breaks it. */
export interface StepsViolation {
  readonly field: string;
  readonly rule: string;
}

/**
 * Steps lie on one side of the threshold and cover all of it: the first begins there, each next one
 * where the one before it ends, and the last is open. Given in any order.
 */
export function checkSteps(steps: readonly Bounds[]): StepsViolation[] {
  const empty = steps.flatMap(({ lower, upper }, index) =>
    lower !== undefined && upper !== undefined && lower >= upper
      ? [{ field: `[${index}].upper`, rule: "must be above lower" }]
      : [],
  );
  if (empty.length > 0) return empty;
  const side = sideOf(steps);
  const [near, far] =
    side === "above" ? (["lower", "upper"] as const) : (["upper", "lower"] as const);
  const sign = side === "above" ? 1 : -1;
  const outwards = steps
    .map((step, index) => ({ step, index }))
    .toSorted((a, b) => sign * ((a.step[near] ?? 0) - (b.step[near] ?? 0)));
  let reached: number | undefined = 0;
  for (const { step, index } of outwards) {
    const begins = step[near];
    const field = `[${index}].${near}`;
    if (begins === undefined) return [{ field, rule: "must be given: only the outermost is open" }];
    if (reached === undefined) return [{ field, rule: "overlaps a step that is open" }];
    const gap = sign * (begins - reached);
    const wanted = `must be ${reached}, where the step before it ends`;
    if (gap !== 0)
      return [{ field, rule: `leaves ${gap > 0 ? "a gap" : "an overlap"}: ${wanted}` }];
    reached = step[far];
  }
  const last = outwards.at(-1);
  if (reached === undefined || last === undefined) return [];
  return [{ field: `[${last.index}].${far}`, rule: "must be open: the last step has no end" }];
}
