import { type Cause, cause } from "../model/cause.js";
import type { FixedAction } from "../model/policy.js";
import { clamp, count, directionOf } from "./numbers.js";

const million = 1_000_000;
/** 4 decimals of a percent are whole parts per million. */
const partsPerPercent = 10_000;

/**
 * What an action makes of a base, not yet clamped into any limits, and never below 0 (B2.3). A
 * percentage is exact and its change is rounded away from zero: 0.1 % of 1,000 is 1, of 1,001 is 2.
 * What is no number changes nothing.
 */
export function applyAction(action: FixedAction, base: number): number {
  const from = count(base, Number.MAX_SAFE_INTEGER);
  const result = resultOf(action, from);
  return Number.isNaN(result) ? from : count(result, Number.MAX_SAFE_INTEGER);
}

function resultOf(action: FixedAction, from: number): number {
  switch (action.kind) {
    case "change":
      return from + Math.trunc(action.change);
    case "percent":
      return from + partOf(from, Math.trunc(action.partsPerMillion));
    case "exact":
      return action.capacity;
    default:
      action satisfies never;
      return from;
  }
}

/** `partsPerMillion` of the base, away from zero. Whole millions go apart: products stay exact. */
function partOf(base: number, partsPerMillion: number): number {
  const parts = Math.abs(partsPerMillion);
  const rest = base * (parts % million);
  const restRounded = (rest - (rest % million)) / million + (rest % million > 0 ? 1 : 0);
  return Math.sign(partsPerMillion) * (base * Math.floor(parts / million) + restRounded);
}

/**
 * A percentage as the whole parts per million that policies store: 12.5 is 125,000. Undefined
 * where it is not finite, has more than 4 decimals, or is too large to be exact.
 */
export function percentToPartsPerMillion(percent: number): number | undefined {
  // 0.07 * 10,000 is not whole in binary, so the nearest whole number is divided back.
  const parts = Math.round(percent * partsPerPercent);
  if (!Number.isSafeInteger(parts) || parts / partsPerPercent !== percent) return undefined;
  return parts === 0 ? 0 : parts;
}

export interface ClampRequest {
  readonly from: number;
  readonly wanted: number;
  readonly min: number;
  readonly max: number;
  /** The limits are the hard ones: force has passed the group's own. */
  readonly hard?: boolean;
}

export interface Clamped {
  readonly target: number;
  readonly causes: readonly Cause[];
}

/**
 * Clamps a wanted target into the limits without ever reversing the event's direction (B2.4,
 * B2.7): a +1 on a target beyond its max leaves it there, it removes nothing.
 */
export function clampTarget({ from, wanted, min, max, hard = false }: ClampRequest): Clamped {
  const direction = directionOf(from, wanted);
  if (direction === undefined) return { target: from, causes: [] };
  const within = clamp(wanted, min, max);
  const target = direction === "out" ? Math.max(from, within) : Math.min(from, within);
  if (target === wanted) return { target, causes: [] };
  const rule = hard ? "B1.1" : "B2.4";
  const why =
    wanted > max
      ? cause(rule, "CLAMPED_TO_MAX", { wanted, max, target })
      : cause(rule, "CLAMPED_TO_MIN", { wanted, min, target });
  return { target, causes: [why] };
}
