import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { GroupKey } from "../../core/model/ids.js";
import type { FixedAction, Policy, PolicyAction } from "../../core/model/policy.js";
import * as wire from "../../gen/muster/v1/policy_pb.js";
import type { PolicySpec } from "../../supervisor/api.js";
import { etagOf } from "../etag.js";
import { defaultRepeatMs } from "../from-wire/policy.js";
import { policyName } from "../names.js";
import { writeDuration, writeTime } from "./time.js";

export function writePolicy(key: GroupKey, policy: Policy): wire.Policy {
  return create(wire.PolicySchema, {
    ...specFields(policy),
    name: policyName(key, policy.id),
    uid: policy.uid,
    etag: etagOf(policy.generation),
    createTime: writeTime(policy.createdAtMs),
    updateTime: writeTime(policy.updatedAtMs),
  });
}

/**
 * What users may set, for an update to merge into. A repeat that is the default for the cooldown is
 * left out, so that it goes on following the cooldown.
 */
export function writePolicySpec(spec: PolicySpec): wire.Policy {
  const message = create(wire.PolicySchema, specFields(spec));
  const { alertRule } = message;
  if (alertRule && spec.alert.repeatMs === defaultRepeatMs(spec.cooldownMs)) {
    const { repeat: _, ...rest } = alertRule;
    message.alertRule = create(wire.AlertRuleSchema, rest);
  }
  return message;
}

function specFields(spec: PolicySpec | Policy): MessageInitShape<typeof wire.PolicySchema> {
  const { alert } = spec;
  return {
    displayName: spec.displayName,
    action: writeAction(spec.action),
    cooldown: writeDuration(spec.cooldownMs),
    debounce: writeDuration(spec.debounceMs),
    alertRule: {
      actsOn: alert.actsOn === "warning" ? wire.AlertState.WARNING : wire.AlertState.CRITICAL,
      hold: writeDuration(alert.holdMs),
      timeToLive: writeDuration(alert.timeToLiveMs),
      repeat: writeDuration(alert.repeatMs),
      maxRepeats: alert.repeatsMax,
      votesPercent: (alert.votesPartsPerMillion ?? 0) / 10_000,
    },
  };
}

function writeAction(action: PolicyAction): wire.Policy["action"] {
  switch (action.kind) {
    case "steps": {
      const { threshold } = action;
      const steps = action.steps.map(({ action: of, ...bounds }) =>
        create(wire.BreachStepSchema, { ...bounds, action: writeFixed(of) }),
      );
      return { case: "steps", value: create(wire.BreachStepsSchema, { threshold, steps }) };
    }
    case "tracking": {
      const { metric, target, tolerancePartsPerMillion, stabilisationMs, query = "" } = action;
      const value = create(wire.TargetTrackingSchema, {
        metric,
        target,
        query,
        tolerancePercent: tolerancePartsPerMillion / 10_000,
        stabilisation: writeDuration(stabilisationMs),
      });
      return { case: "targetTracking", value };
    }
    default:
      return writeFixed(action);
  }
}

function writeFixed(action: FixedAction): wire.BreachStep["action"] & wire.Policy["action"] {
  switch (action.kind) {
    case "change":
      return { case: "change", value: action.change };
    case "percent":
      // The nearest double of the exact decimal: what the user wrote.
      return { case: "changePercent", value: action.partsPerMillion / 10_000 };
    case "exact":
      return { case: "exact", value: action.capacity };
    default:
      return action satisfies never;
  }
}
