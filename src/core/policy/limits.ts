import { type Cause, cause } from "../model/cause.js";
import { serversPerPlacementMax } from "../model/hard-limits.js";
import type { ForcedLimits, PlacementDoc } from "../model/placement.js";
import { clamp, count } from "./numbers.js";

export interface Limits {
  readonly min: number;
  readonly max: number;
}

/**
 * A placement's limits as they hold now: its own, tightened by open windows (B7.4), then widened by
 * force until that expires (B2.7).
 */
export function effectiveLimits(placement: LimitedPlacement, nowMs: number): Limits {
  const forced = isLive(placement.forced, nowMs) ? placement.forced : undefined;
  const own = unforcedLimits(placement);
  const min = Math.min(own.min, count(forced?.min ?? own.min));
  const max = Math.max(own.max, count(forced?.max ?? own.max), min);
  return { min: Math.min(min, serversPerPlacementMax), max: Math.min(max, serversPerPlacementMax) };
}

export type LimitedPlacement = Limits & Pick<PlacementDoc, "forced" | "window">;

/**
 * A placement's limits without force. Where a window's cross the placement's own, or each other,
 * the max holds (B7.4).
 */
export function unforcedLimits({ min, max, window }: LimitedPlacement): Limits {
  if (window === undefined) return { min: count(min), max: count(max) };
  const most = Math.min(count(max), count(window.max ?? max));
  return { min: Math.min(Math.max(count(min), count(window.min ?? min)), most), max: most };
}

function isLive(forced: ForcedLimits | undefined, nowMs: number): forced is ForcedLimits {
  return forced !== undefined && nowMs < forced.expiresAtMs;
}

/** The forced limits that a forced event leaves behind; undefined within the placement's own. */
export function forcedLimitsOf(
  placement: Limits & { readonly target: number },
  force: { readonly reason: string; readonly expiresAtMs: number },
): ForcedLimits | undefined {
  const { reason, expiresAtMs } = force;
  if (placement.target > placement.max) return { max: placement.target, expiresAtMs, reason };
  if (placement.target < placement.min) return { min: placement.target, expiresAtMs, reason };
  return undefined;
}

export type LimitsInput = LimitedPlacement & Pick<PlacementDoc, "target" | "deleting">;

export interface LimitsSettled {
  readonly target: number;
  /** What is left of the forced limits; undefined once they expired. */
  readonly forced?: ForcedLimits;
  /** Empty when the target stays. */
  readonly causes: readonly Cause[];
  /** When force expires and this is to be asked again. */
  readonly nextAtMs?: number;
}

/**
 * What limits do to a target, after an edit of min or max (given with the new ones) and when
 * forced limits expire (B1.6, B2.7): a target below min rises to it, one above max falls to it,
 * nothing else moves it. Settling what is settled changes nothing. A placement that drains is left
 * to it (B8.4).
 */
export function settleLimits(placement: LimitsInput, nowMs: number): LimitsSettled {
  const live = isLive(placement.forced, nowMs) ? placement.forced : undefined;
  const kept = live === undefined ? {} : { forced: live, nextAtMs: live.expiresAtMs };
  const { min, max } = effectiveLimits(placement, nowMs);
  const target = placement.deleting ? placement.target : clamp(count(placement.target), min, max);
  if (Object.is(target, placement.target)) return { target, ...kept, causes: [] };
  const forceExpired = placement.forced !== undefined && live === undefined;
  const facts = { oldTarget: placement.target, newTarget: target, min, max };
  const why = forceExpired
    ? cause("B2.7", "LIMITS_MOVED_TARGET", { ...facts, forceExpired })
    : cause("B1.6", "LIMITS_MOVED_TARGET", facts);
  return { target, ...kept, causes: [why] };
}
