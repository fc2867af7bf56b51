import type { LoadBalancerId } from "../../core/model/ids.js";
import { defineLoadBalancerDriver, driverApiVersion } from "../../core/ports/driver.js";
import { createSimulatedLoadBalancers } from "./simulated-load-balancers.js";

export interface SimulatedOptions {
  readonly loadBalancers: readonly string[];
  /** Default 0. */
  readonly callMs?: number;
  /** Default 0. */
  readonly healthyAfterMs?: number;
  /** Default 0. */
  readonly connections?: number;
  /** Default 0. */
  readonly drainedAfterMs?: number;
}

const delay = (description: string) => ({
  type: "integer",
  minimum: 0,
  maximum: 86_400_000,
  description,
});

/** Load balancers in memory, for demonstrations and tests; a restart forgets them. */
export default defineLoadBalancerDriver<SimulatedOptions>({
  name: "simulated",
  apiVersion: driverApiVersion,
  optionsSchema: {
    type: "object",
    additionalProperties: false,
    required: ["loadBalancers"],
    properties: {
      loadBalancers: {
        type: "array",
        maxItems: 1_000,
        uniqueItems: true,
        items: { type: "string", minLength: 1, maxLength: 100 },
        description: "Ids of the load balancers that exist.",
      },
      callMs: delay("How long every call takes."),
      healthyAfterMs: delay("How long a new member's health is unknown."),
      connections: { ...delay("Open connections of each member."), maximum: 1_000_000 },
      drainedAfterMs: delay("How long a draining member keeps its connections."),
    },
  },
  open: async ({ loadBalancers, callMs = 0, ...behaviour }, { clock, ids }) =>
    createSimulatedLoadBalancers({
      clock,
      ids,
      loadBalancers: loadBalancers as readonly LoadBalancerId[],
      callMs,
      behaviour,
    }).openDriver(),
});
