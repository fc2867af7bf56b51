import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { SimulatedDecision } from "../../core/model/simulation.js";
import type { SimulatePolicyResponseSchema } from "../../gen/muster/v1/policy_service_pb.js";
import * as wire from "../../gen/muster/v1/simulation_pb.js";
import type { SimulatedPolicy } from "../../supervisor/policies.js";
import { outcomes, writeReceipt } from "./receipt.js";
import { writeDuration, writeTime } from "./time.js";

const hourMs = 3_600_000;

export function writeSimulation(
  simulated: SimulatedPolicy,
): MessageInitShape<typeof SimulatePolicyResponseSchema> {
  const { simulation, recorded, usage } = simulated;
  return {
    capacity: simulation.capacity.map(({ atMs, ...point }) => ({
      time: writeTime(atMs),
      ...point,
    })),
    decisions: simulation.decisions.map(writeDecision),
    decisionsCount: simulation.decisionsCount,
    outcomes: simulation.outcomes.map(({ outcome, ...one }) => ({
      ...one,
      outcome: outcomes[outcome],
    })),
    usage: usage.map(({ flavor, serverMs, cost = "" }) => ({
      ...{ flavor, serverHours: serverMs / hourMs, cost },
    })),
    startTime: writeTime(simulated.fromMs),
    endTime: writeTime(simulated.untilMs),
    bootTime: writeDuration(simulated.bootMs),
    bootTimeLaunches: simulated.launches,
    startTarget: simulated.startTarget,
    eventsCount: simulated.eventsCount,
    skippedCount: simulated.skipped,
    recorded: recorded.map(({ atMs, target }) => ({ time: writeTime(atMs), desired: target })),
  };
}

function writeDecision({ event, receipt }: SimulatedDecision): wire.SimulatedDecision {
  const { source, ask, occurrence } = event;
  return create(wire.SimulatedDecisionSchema, {
    source,
    policy: "policy" in ask ? ask.policy : "",
    key: ask.kind === "alert" ? ask.key : "",
    schedule: occurrence?.schedule ?? "",
    receipt: writeReceipt(receipt),
  });
}
