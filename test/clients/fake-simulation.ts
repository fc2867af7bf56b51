import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { SimulatePolicyRequest } from "../../src/gen/muster/v1/policy_service_pb.js";
import { Outcome } from "../../src/gen/muster/v1/receipt_pb.js";

/** A day in which one alert makes two servers five, whatever is asked. */
export function simulated({ policies, assumptions }: SimulatePolicyRequest) {
  const at = (hours: number) => timestampFromMs(Date.UTC(2026, 0, 1) + hours * 3_600_000);
  const cause = { rule: "B2.2", code: "APPLIED", message: "The target changes from 2 to 5." };
  const [policy = "up"] = policies.map((one) => one.policyId);
  const [price] = assumptions?.prices ?? [];
  const moved = { outcome: Outcome.APPLIED, oldTarget: 2, newTarget: 5, causes: [cause] };
  const refused = { outcome: Outcome.REFUSED, rule: "B2.5", code: "COOLDOWN_POLICY", policy };
  return {
    capacity: [
      { time: at(0), desired: 2, inService: 2 },
      { time: at(8), desired: 5, inService: 2 },
      { time: at(8.05), desired: 5, inService: 5 },
    ],
    decisions: [{ source: "alert", policy, key: "cpu", receipt: { ...moved, time: at(8) } }],
    ...{ decisionsCount: 4, outcomes: [{ ...refused, count: 3 }], startTarget: 2, eventsCount: 4 },
    usage: [{ flavor: "small", serverHours: 96, cost: price === undefined ? "" : "11.5200" }],
    ...{ startTime: at(0), endTime: at(24), bootTime: durationFromMs(180_000) },
    recorded: [{ time: at(0), desired: 2 }],
  };
}
