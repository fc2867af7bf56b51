import { invalidFields } from "../../core/errors/fault.js";
import type { AlertState, PolicyAction } from "../../core/model/policy.js";
import * as wire from "../../gen/muster/v1/policy_pb.js";
import type { PolicySpec } from "../../supervisor/api.js";
import { readDuration } from "./time.js";

/** What B3 gives a policy that does not say otherwise. */
const policyDefaults = {
  cooldownMs: 0,
  debounceMs: 10_000,
  holdMs: 0,
  timeToLiveMs: 600_000,
  repeatMsMin: 30_000,
  repeatsMax: 10,
} as const;

/** How often a policy acts again that does not say: its cooldown, at least 30 s (B3.3). */
export function defaultRepeatMs(cooldownMs: number): number {
  return Math.max(cooldownMs, policyDefaults.repeatMsMin);
}

/**
 * A policy's settable fields, with defaults. For messages that protovalidate has let pass.
 * @throws Fault `FIELD_INVALID` with paths in `policy.`
 */
export function readPolicySpec(policy: wire.Policy): PolicySpec {
  const rule = policy.alertRule;
  const cooldownMs = readDuration(policy.cooldown, policyDefaults.cooldownMs);
  return {
    displayName: policy.displayName,
    action: readAction(policy.action),
    cooldownMs,
    debounceMs: readDuration(policy.debounce, policyDefaults.debounceMs),
    alert: {
      actsOn: rule?.actsOn === wire.AlertState.WARNING ? "warning" : "critical",
      holdMs: readDuration(rule?.hold, policyDefaults.holdMs),
      timeToLiveMs: readDuration(rule?.timeToLive, policyDefaults.timeToLiveMs),
      repeatMs: readDuration(rule?.repeat, defaultRepeatMs(cooldownMs)),
      repeatsMax: rule?.maxRepeats ?? policyDefaults.repeatsMax,
    },
  };
}

function readAction(action: wire.Policy["action"]): PolicyAction {
  switch (action.case) {
    case "change":
      return { kind: "change", change: action.value };
    case "changePercent":
      return { kind: "percent", partsPerMillion: readPercent(action.value) };
    case "exact":
      return { kind: "exact", capacity: action.value };
    case undefined:
      throw invalidFields([{ field: "policy.action", description: "exactly one is required" }]);
    default:
      return action satisfies never;
  }
}

/** Percent with at most 4 decimals as whole parts per million, so that arithmetic stays exact. */
function readPercent(percent: number): number {
  const partsPerMillion = Math.round(percent * 10_000);
  // Dividing whole numbers gives the nearest double of the decimal, which is what a parser gives.
  if (partsPerMillion / 10_000 === percent) return partsPerMillion;
  const description = "must have at most 4 decimals";
  throw invalidFields([{ field: "policy.change_percent", description }]);
}

const alertStates: ReadonlyMap<wire.AlertState, AlertState> = new Map([
  [wire.AlertState.OK, "ok"],
  [wire.AlertState.WARNING, "warning"],
  [wire.AlertState.CRITICAL, "critical"],
]);

/** For states that validation has let pass: what is none of the others is UNKNOWN. */
export function readAlertState(state: wire.AlertState): AlertState {
  return alertStates.get(state) ?? "unknown";
}
