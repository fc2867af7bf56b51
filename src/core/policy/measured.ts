import type { AlertMark, AlertRule } from "../model/policy.js";
import { isForgotten, liveState, votesNeeded } from "./alerts.js";

/** What a policy's keys measure now. */
export interface Measured {
  /** Of the keys whose state is known and which gave a value. */
  readonly values: readonly number[];
  /** Keys that gave none, or are silent, and not yet forgotten. */
  readonly silent: number;
}

export function measuredOf(marks: readonly AlertMark[], rule: AlertRule, nowMs: number): Measured {
  const known = marks.filter((mark) => !isForgotten(mark, rule, nowMs));
  const values = known.flatMap((mark) => {
    const isLive = liveState(mark, rule, nowMs) !== "unknown";
    return isLive && mark.value !== undefined && Number.isFinite(mark.value) ? [mark.value] : [];
  });
  return { values, silent: known.length - values.length };
}

/**
 * The value that enough keys reach, or go beyond: with any key enough, the farthest one; with all,
 * the nearest. Undefined where too few keys have a value.
 */
export function reachedValue(
  { values, silent }: Measured,
  rule: AlertRule,
  farthest: "highest" | "lowest",
): number | undefined {
  const sign = farthest === "highest" ? -1 : 1;
  const farthestFirst = values.toSorted((a, b) => sign * (a - b));
  return farthestFirst[votesNeeded(values.length + silent, rule) - 1];
}
