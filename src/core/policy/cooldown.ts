import type { CooldownMarks } from "../model/placement.js";
import type { Direction } from "./numbers.js";

export interface CooldownCheck {
  readonly marks: CooldownMarks;
  readonly cooldownMs: number;
  readonly direction: Direction;
  readonly nowMs: number;
}

/**
 * When the cooldown lets this direction pass; undefined when it does now (B2.5): elapsed <
 * cooldown refuses, equal passes. Scaling in never delays scaling out; scaling out delays both. A
 * mark in the future, of a clock that has stepped back since, counts as now.
 */
export function coolsUntilMs(check: CooldownCheck): number | undefined {
  const { marks, cooldownMs, direction, nowMs } = check;
  const started = direction === "out" ? [marks.lastOutMs] : [marks.lastOutMs, marks.lastInMs];
  const known = started.filter((atMs) => atMs !== undefined);
  if (known.length === 0) return undefined;
  const untilMs = Math.min(Math.max(...known), nowMs) + cooldownMs;
  return nowMs < untilMs ? untilMs : undefined;
}

/** The marks after an applied decision: only such start a cooldown. */
export function startCooldown<Marks extends CooldownMarks>(
  marks: Marks,
  direction: Direction,
  nowMs: number,
): Marks {
  return direction === "out" ? { ...marks, lastOutMs: nowMs } : { ...marks, lastInMs: nowMs };
}
