import type { ColoId, PolicyId } from "../../core/model/ids.js";
import type { ScaleAsk } from "../../core/model/scale-event.js";
import type { SimulatedEvent } from "../../core/model/simulation.js";
import { AlertState } from "../../gen/muster/v1/policy_pb.js";
import type { SimulatePolicyRequest } from "../../gen/muster/v1/policy_service_pb.js";
import * as wire from "../../gen/muster/v1/simulation_pb.js";
import type { SimulatePolicy } from "../../supervisor/policies.js";
import { groupKeyOf } from "../names.js";
import { given, withFieldsIn } from "../services/fields.js";
import { readAlertState, readPolicySpec } from "./policy.js";
import { readDuration, readTime } from "./time.js";

const decisionsDefault = 1_000;
/** For samples of one metric, which need none. */
const keyDefault = "key";

/** @throws Fault `FIELD_INVALID` with the request's own paths */
export async function readSimulation(request: SimulatePolicyRequest): Promise<SimulatePolicy> {
  const { assumptions, events } = request;
  const drafts = request.policies.map(async ({ policyId, policy }, index) => {
    const spec = withFieldsIn(
      `policies[${index}]`,
      Promise.resolve().then(() => readPolicySpec(policy!)),
    );
    return { policy: policyId as PolicyId, spec: await spec };
  });
  const { bootTime } = assumptions ?? {};
  const supplied = events.case === "supplied" ? events.value.events.map(readEvent) : undefined;
  return {
    key: groupKeyOf(request.parent),
    drafts: await Promise.all(drafts),
    limits: request.limits.map(({ colo, min, max }) => ({ colo: colo as ColoId, min, max })),
    prices: (assumptions?.prices ?? []).map(({ flavor, perHour }) => ({ flavor, perHour })),
    withoutSchedules: request.withoutSchedules,
    decisionsMax: request.decisionsMax || decisionsDefault,
    ...given({
      supplied,
      fromMs: readTime(request.startTime),
      untilMs: readTime(request.endTime),
      bootMs: bootTime && readDuration(bootTime, 0),
      startTarget: assumptions?.startTarget,
    }),
  };
}

function readEvent({ time, ask, source }: wire.SuppliedEvent): SimulatedEvent {
  const atMs = readTime(time)!;
  switch (ask.case) {
    case "alert":
      return { atMs, source: "alert", ...readAlert(ask.value) };
    case "target":
      return { atMs, source: sourceOf(source), ask: { kind: "target", target: ask.value } };
    case "change":
      return { atMs, source: sourceOf(source), ask: { kind: "change", change: ask.value } };
    case "policy": {
      const policy = ask.value as PolicyId;
      return { atMs, source: sourceOf(source), ask: { kind: "policy", policy } };
    }
    case undefined:
      throw new Error("validation lets no event pass that asks for nothing");
    default:
      return ask satisfies never;
  }
}

function readAlert({ policy, key, state, value, ofServers }: wire.SuppliedAlert) {
  const isSample = state === AlertState.UNSPECIFIED;
  const ask: ScaleAsk = {
    ...{ kind: "alert", policy: policy as PolicyId, key: key === "" ? keyDefault : key },
    state: isSample ? "ok" : readAlertState(state),
    ...given({ value }),
  };
  return { ask, ...(ofServers > 0 && { ofServers }) };
}

function sourceOf(source: wire.SuppliedSource): SimulatedEvent["source"] {
  if (source === wire.SuppliedSource.WEBHOOK) return "webhook";
  return source === wire.SuppliedSource.SCHEDULE ? "schedule" : "manual";
}
