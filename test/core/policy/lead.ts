import type { PolicyId } from "../../../src/core/model/ids.js";
import type { AlertState, Policy, TrackingAction } from "../../../src/core/model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../../../src/core/model/scale-event.js";
import { decide } from "../../../src/core/policy/decide.js";
import type { DecideInput, Decision } from "../../../src/core/policy/decision.js";
import {
  after,
  alertRuleOf,
  codesOf,
  eventOf,
  inputOf,
  placementOf,
  policyOf,
  seconds,
  t0,
} from "./fixtures.js";

export const tracking = (change: Partial<TrackingAction> = {}): TrackingAction => ({
  ...{ kind: "tracking", metric: "cpu", target: 0.5 },
  tolerancePartsPerMillion: 100_000,
  stabilisationMs: seconds(300),
  ...change,
});

/** A policy without cooldown and debounce, so that a test sees what it is about. */
export const plainPolicy = (id: string, action: Policy["action"], more: Partial<Policy> = {}) =>
  policyOf({
    ...{ id: id as PolicyId, action, cooldownMs: 0, debounceMs: 0 },
    alert: alertRuleOf({ timeToLiveMs: seconds(600), repeatMs: seconds(60), repeatsMax: 100 }),
    ...more,
  });

/** A lead placement that commits what is decided: 10 of 0 to 100 servers, without cooldown. */
export function createLead(policies: readonly Policy[], change: Partial<DecideInput> = {}) {
  let state = inputOf({
    policies,
    group: { cooldownMs: 0, deleting: false },
    placements: [placementOf({ min: 0, max: 100, target: 10 })],
    ...change,
  });
  const ask = (event: ScaleAsk, more: Partial<ScaleEvent> = {}): Decision => {
    const decision = decide(eventOf(event, more), state);
    state = after(state, decision);
    return decision;
  };
  return {
    ask,
    /** Target and causes after it, e.g. `12: B2.1 APPLIED, B2.1 MEASURED`. */
    report(
      policy: string,
      given: { readonly state?: AlertState; readonly value?: number; readonly key?: string },
    ): string {
      const { state: said = "ok", key = "k1", value } = given;
      const measured = value === undefined ? {} : { value };
      const about = { policy: policy as PolicyId, key, state: said, ...measured };
      const decision = ask({ kind: "alert", ...about });
      return `${decision.receipt.newTarget}: ${codesOf(decision)}`;
    },
    at(afterSeconds: number) {
      state = { ...state, nowMs: t0 + seconds(afterSeconds) };
    },
    state: () => state,
    set(given: Partial<DecideInput>) {
      state = { ...state, ...given };
    },
  };
}
