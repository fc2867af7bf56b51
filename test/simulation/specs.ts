import type { ColoId, LoadBalancerId } from "../../src/core/model/ids.js";
import type { PolicyAction } from "../../src/core/model/policy.js";
import type { GroupSpec, PolicySpec } from "../../src/supervisor/api.js";
import type { GroupPlan, PlacementPlan } from "./scenario.js";

export function specOf(plan: GroupPlan): GroupSpec {
  const { buildTimeoutMs, stoppedGraceMs, scaleInOrder, surge, cooldownMs, spill } = plan;
  const { scaleInMax } = plan;
  return {
    ...{ displayName: plan.group, labels: {}, placements: plan.placements.map(placementOf) },
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    ...{ cooldownMs, warmUpMs: 0, buildTimeoutMs, stoppedGraceMs, surge, scaleInOrder },
    stoppedServers: "replace",
    spill,
    ...(scaleInMax === undefined
      ? {}
      : { scaleInLimit: { servers: scaleInMax, withinMs: 300_000 } }),
  };
}

function placementOf(plan: PlacementPlan): GroupSpec["placements"][number] {
  const { colo, min, max, drainTimeoutMs } = plan;
  const attachments = plan.balancers.map((one) => ({
    loadBalancer: one as LoadBalancerId,
    ...{ port: 80, weight: 1, drainTimeoutMs },
  }));
  return { colo: colo as ColoId, min, max, weight: 1, attachments };
}

export function actionsOf({ step, isStepped }: GroupPlan): readonly [string, PolicyAction][] {
  const by = (change: number) => ({ kind: "change", change }) as const;
  const steps = [
    { lower: 0, upper: 0.2, action: by(step) },
    { lower: 0.2, action: by(2 * step) },
  ];
  return [
    ["up", isStepped ? { kind: "steps", threshold: 0.8, steps } : by(step)],
    ["down", by(-1)],
    [
      "cpu",
      {
        ...{ kind: "tracking", metric: "cpu", target: 0.5 },
        ...{ tolerancePartsPerMillion: 100_000, stabilisationMs: 300_000 },
      },
    ],
  ];
}

export function policySpec(action: PolicyAction): PolicySpec {
  return {
    ...{ displayName: "policy", action, cooldownMs: 0, debounceMs: 0 },
    alert: {
      ...{ actsOn: "critical", holdMs: 0, timeToLiveMs: 600_000 },
      ...{ repeatMs: 60_000, repeatsMax: 10 },
    },
  };
}
