import type { PlacementDoc } from "../../core/model/placement.js";
import { effectiveLimits } from "../../core/policy/limits.js";

/** One less, but not below the limits as they hold now; a target below them already stays. */
export function loweredTarget(doc: PlacementDoc, nowMs: number): number {
  return Math.min(doc.target, Math.max(effectiveLimits(doc, nowMs).min, doc.target - 1));
}
