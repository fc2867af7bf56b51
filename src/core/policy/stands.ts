import type { AlertMark, Policy } from "../model/policy.js";
import { actsIn, aggregateState } from "./alerts.js";

/**
 * Whether the policy's alert stands, so that it acts and circles back (B3.2). Target tracking has
 * no such state: each report is measured anew.
 */
export function stands(
  { action, alert }: Pick<Policy, "action" | "alert">,
  marks: readonly AlertMark[],
  nowMs: number,
): boolean {
  if (action.kind === "tracking") return false;
  return actsIn(aggregateState(marks, alert, nowMs), alert.actsOn);
}
