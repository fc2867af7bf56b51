import type { Group } from "../../../src/core/model/group.js";
import type { AccountId, ColoId, GroupId, PolicyId } from "../../../src/core/model/ids.js";
import type { AlertState } from "../../../src/core/model/policy.js";
import type { SimulatedEvent, Simulation } from "../../../src/core/model/simulation.js";
import { createSimulation, type SimulationInput } from "../../../src/core/simulate/simulate.js";
import { createOccurrences } from "../../../src/supervisor/schedules/occurrences.js";
import { policyOf, seconds, t0, upId } from "../policy/fixtures.js";

export const minutes = (count: number) => seconds(60 * count);

/** In one colo, from 1 to 20, without a cooldown of its own. */
export function groupOf(change: Partial<Group> = {}): Group {
  const launch = { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} };
  return {
    ...{ account: "acme" as AccountId, id: "web" as GroupId, uid: "g1", generation: 1 },
    ...{ createdAtMs: 0, updatedAtMs: 0, displayName: "web", labels: {}, launch },
    placements: [{ colo: "iad" as ColoId, min: 1, max: 20, weight: 1, attachments: [] }],
    ...{ launchRevision: 1, cooldownMs: 0, warmUpMs: 0, buildTimeoutMs: minutes(60) },
    ...{ stoppedGraceMs: 0, stoppedServers: "keep", scaleInOrder: "oldestFirst", surge: 0 },
    ...{ firstTarget: 1, deleting: false },
    ...change,
  };
}

/** `at` is in seconds since t0. */
export function report(at: number, state: AlertState, value?: number): SimulatedEvent {
  const measured = value === undefined ? {} : { value };
  const ask = { kind: "alert", policy: upId, key: "cpu", state, ...measured } as const;
  return { atMs: t0 + seconds(at), source: "alert", ask };
}

export function manual(at: number, target: number): SimulatedEvent {
  return { atMs: t0 + seconds(at), source: "manual", ask: { kind: "target", target } };
}

export function execute(at: number, policy: PolicyId = upId): SimulatedEvent {
  return { atMs: t0 + seconds(at), source: "manual", ask: { kind: "policy", policy } };
}

/** An hour of a group with one policy of +2, two servers, and two minutes to boot. */
export function inputOf(change: Partial<SimulationInput> = {}): SimulationInput {
  return {
    ...{ group: groupOf(), policies: [policyOf()], schedules: [], next: createOccurrences() },
    ...{ events: [], fromMs: t0, untilMs: t0 + minutes(60), startTarget: 2 },
    ...{ bootMs: seconds(120), decisionsMax: 1_000 },
    ...change,
  };
}

export function simulate(change: Partial<SimulationInput> = {}): Simulation {
  const simulation = createSimulation(inputOf(change));
  while (simulation.goOn(7));
  return simulation.result();
}

/** `120 4/2`: from 120 s on four are wanted, and two in service. */
export function pointsOf({ capacity }: Simulation): readonly string[] {
  return capacity.map(
    ({ atMs, desired, inService }) => `${(atMs - t0) / 1_000} ${desired}/${inService}`,
  );
}

/** `60 alert held B2.6 DEMAND_UNANSWERED`, with the new target of what was applied. */
export function toldOf({ decisions }: Simulation): readonly string[] {
  return decisions.map(({ event, receipt }) => {
    const { outcome, newTarget, causes, atMs } = receipt;
    const why = outcome === "applied" ? newTarget : `${causes[0]?.rule} ${causes[0]?.code}`;
    return `${(atMs - t0) / 1_000} ${event.source} ${outcome} ${why}`;
  });
}
