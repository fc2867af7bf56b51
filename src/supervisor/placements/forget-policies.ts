import type { PolicyId } from "../../core/model/ids.js";
import type { Policy } from "../../core/model/policy.js";
import type { PlacementChange, PlacementState } from "./placement-state.js";

/**
 * Drops the marks and alerts of policies that do not exist: a new one of the name starts afresh.
 */
export function forgetPolicies(
  state: PlacementState,
  policies: ReadonlyMap<PolicyId, Policy>,
): PlacementChange {
  const { doc } = state;
  const alertsGone = [...state.alerts.values()].filter((mark) => !policies.has(mark.policy));
  const marks = Object.entries(doc?.policyMarks ?? {});
  const kept = marks.filter(([id]) => policies.has(id as PolicyId));
  if (!doc || kept.length === marks.length) return { alertsGone };
  return { alertsGone, doc: { ...doc, policyMarks: Object.fromEntries(kept) } };
}
