import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import type { SuppliedEventSchema } from "../../src/gen/muster/v1/simulation_pb.js";
import { validPolicy, WEB } from "./world.js";

const from = timestampFromMs(Date.UTC(2026, 0, 1));
type SimulateInit = MessageInitShape<typeof PolicyService.method.simulatePolicy.input>;
const badSimulation = (more: SimulateInit, ...fields: string[]) => ({
  request: { parent: WEB, events: { case: "recorded", value: {} }, ...more } as SimulateInit,
  fields,
});
type Supplied = MessageInitShape<typeof SuppliedEventSchema>;
const badEvent = (event: Supplied, field: string) =>
  badSimulation(
    { events: { case: "supplied", value: { events: [{ time: from, ...event }] } } },
    `supplied.events[0].${field}`,
  );
const price = { flavor: "small", perHour: "0.1" };

/** Requests for simulations that are not legal, and the fields that say so. */
export const badSimulations: readonly {
  readonly request: SimulateInit;
  readonly fields: readonly string[];
}[] = [
  badSimulation({ parent: "web" }, "parent"),
  badSimulation({ events: { case: undefined } }, "events"),
  badSimulation({ events: { case: "supplied", value: {} } }, "supplied.events"),
  badSimulation({ policies: [{ policyId: "up" }] }, "policies[0].policy"),
  badSimulation(
    { policies: [{ policyId: "Up", policy: validPolicy({ displayName: "" }) }] },
    "policies[0].policy_id",
    "policies[0].policy.display_name",
  ),
  badSimulation(
    {
      policies: [
        {
          ...{
            policyId: "up",
            policy: validPolicy({ action: { case: "changePercent", value: 0.00001 } }),
          },
        },
      ],
    },
    "policies[0].policy.change_percent",
  ),
  badSimulation({ limits: [{ colo: "iad", min: 3, max: 2 }] }, "limits[0].min"),
  badSimulation({ limits: [{ colo: "iad", min: 0, max: 2001 }] }, "limits[0].max"),
  badSimulation({ assumptions: { bootTime: durationFromMs(-1) } }, "assumptions.boot_time"),
  badSimulation({ assumptions: { startTarget: -1 } }, "assumptions.start_target"),
  badSimulation(
    { assumptions: { prices: [{ ...price, perHour: "1e3" }] } },
    "assumptions.prices[0].per_hour",
  ),
  badSimulation({ decisionsMax: 5001 }, "decisions_max"),
  badEvent({ ask: { case: undefined } }, "ask"),
  badEvent({ ask: { case: "change", value: 0 } }, "change"),
  badEvent({ ask: { case: "target", value: -1 } }, "target"),
  badEvent({ ask: { case: "policy", value: "a/b" } }, "policy"),
  badEvent({ ask: { case: "target", value: 1 }, source: 9 as never }, "source"),
  badEvent({ ask: { case: "alert", value: { policy: "" } } }, "alert.policy"),
  badEvent({ ask: { case: "alert", value: { policy: "up", state: 9 as never } } }, "alert.state"),
  badEvent({ ask: { case: "alert", value: { policy: "up", value: Number.NaN } } }, "alert.value"),
  badEvent({ ask: { case: "alert", value: { policy: "up", ofServers: -1 } } }, "alert.of_servers"),
];
