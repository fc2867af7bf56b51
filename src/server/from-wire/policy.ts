import { invalidFields } from "../../core/errors/fault.js";
import { checkSteps } from "../../core/model/breach-steps.js";
import type { AlertState, BreachStep, FixedAction, PolicyAction } from "../../core/model/policy.js";
import * as wire from "../../gen/muster/v1/policy_pb.js";
import type { PolicySpec } from "../../supervisor/api.js";
import { readPercent } from "./percent.js";
import { readDuration } from "./time.js";

/** What B3 gives a policy that does not say otherwise. */
const policyDefaults = {
  cooldownMs: 0,
  debounceMs: 10_000,
  holdMs: 0,
  timeToLiveMs: 600_000,
  repeatMsMin: 30_000,
  repeatsMax: 10,
  tolerancePercent: 10,
  stabilisationMs: 300_000,
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
      ...(rule && rule.votesPercent !== 0 && { votesPartsPerMillion: votesOf(rule) }),
    },
  };
}

function votesOf({ votesPercent }: wire.AlertRule): number {
  return readPercent(votesPercent, "policy.alert_rule.votes_percent");
}

function readAction(action: wire.Policy["action"]): PolicyAction {
  switch (action.case) {
    case "steps":
      return readSteps(action.value);
    case "targetTracking":
      return readTracking(action.value);
    default:
      return readFixed(action, "policy.");
  }
}

type WireFixed = Exclude<wire.Policy["action"], { case: "steps" | "targetTracking" }>;

function readFixed(action: WireFixed, path: string): FixedAction {
  switch (action.case) {
    case "change":
      return { kind: "change", change: action.value };
    case "changePercent": {
      const partsPerMillion = readPercent(action.value, `${path}change_percent`);
      return { kind: "percent", partsPerMillion };
    }
    case "exact":
      return { kind: "exact", capacity: action.value };
    case undefined:
      throw invalidFields([{ field: `${path}action`, description: "exactly one is required" }]);
    default:
      return action satisfies never;
  }
}

function readSteps({ threshold, steps: given }: wire.BreachSteps): PolicyAction {
  const path = "policy.steps.steps";
  const steps = given.map(({ lower, upper, action }, index): BreachStep => {
    return {
      ...(lower === undefined ? {} : { lower }),
      ...(upper === undefined ? {} : { upper }),
      action: readFixed(action, `${path}[${index}].`),
    };
  });
  const broken = checkSteps(steps);
  if (broken.length > 0)
    throw invalidFields(
      broken.map(({ field, rule }) => ({ field: `${path}${field}`, description: rule })),
    );
  return { kind: "steps", threshold, steps };
}

function readTracking(tracking: wire.TargetTracking): PolicyAction {
  const { metric, target, tolerancePercent, stabilisation, query } = tracking;
  return {
    ...{ kind: "tracking", metric, target },
    tolerancePartsPerMillion: readPercent(
      tolerancePercent ?? policyDefaults.tolerancePercent,
      "policy.target_tracking.tolerance_percent",
    ),
    stabilisationMs: readDuration(stabilisation, policyDefaults.stabilisationMs),
    ...(query === "" ? {} : { query }),
  };
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
