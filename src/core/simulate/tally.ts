import type { CapacityPoint, OutcomeCount, SimulatedDecision } from "../model/simulation.js";
import { simulationLimits } from "./limits.js";

/** What comes of a simulation, gathered while it goes on. */
export interface Tally {
  decided(decision: SimulatedDecision): void;
  /** What there is from now on. Times must not go back. */
  stands(point: CapacityPoint & { readonly servers: number }): void;
  result(): {
    readonly capacity: readonly CapacityPoint[];
    readonly decisions: readonly SimulatedDecision[];
    readonly decisionsCount: number;
    readonly outcomes: readonly OutcomeCount[];
    readonly serverMs: number;
  };
}

export function createTally(decisionsMax: number): Tally {
  const moving: SimulatedDecision[] = [];
  const idle: SimulatedDecision[] = [];
  const outcomes = new Map<string, OutcomeCount>();
  const capacity: CapacityPoint[] = [];
  let decisionsCount = 0;
  let serverMs = 0;
  let standing: { readonly servers: number; readonly atMs: number } | undefined;

  function note({ event, receipt }: SimulatedDecision): void {
    const { outcome, causes } = receipt;
    if (outcome === "applied") return;
    const { rule = "", code = "CONDITION" } = causes[0] ?? {};
    const policy = "policy" in event.ask ? { policy: event.ask.policy } : {};
    const key = [outcome, rule, code, policy.policy].join(" ");
    const count = (outcomes.get(key)?.count ?? 0) + 1;
    outcomes.set(key, { outcome, rule, code, ...policy, count });
  }

  return {
    decided(decision) {
      decisionsCount++;
      note(decision);
      const list = decision.receipt.outcome === "applied" ? moving : idle;
      if (list.length < decisionsMax) list.push(decision);
    },
    stands({ servers, ...point }) {
      if (standing) serverMs += standing.servers * (point.atMs - standing.atMs);
      standing = { servers, atMs: point.atMs };
      const last = capacity.at(-1);
      if (last?.atMs === point.atMs) capacity.pop();
      const before = capacity.at(-1);
      if (before?.desired === point.desired && before.inService === point.inService) return;
      capacity.push(point);
    },
    result() {
      const room = Math.max(0, decisionsMax - moving.length);
      const told = [...moving, ...idle.slice(0, room)];
      return {
        capacity: thinned(capacity, simulationLimits.pointsMax),
        decisions: told.toSorted((a, b) => a.receipt.atMs - b.receipt.atMs),
        ...{ decisionsCount, serverMs },
        outcomes: [...outcomes.values()].toSorted((a, b) => b.count - a.count),
      };
    },
  };
}

/** Of each part of the time the point with the most servers, and the last one. */
function thinned(points: readonly CapacityPoint[], pointsMax: number): readonly CapacityPoint[] {
  const [first] = points;
  const last = points.at(-1);
  if (points.length <= pointsMax || !first || !last) return points;
  const partMs = (last.atMs - first.atMs) / (pointsMax / 2 - 1);
  const kept: CapacityPoint[] = [];
  for (let at = 0; at < points.length; ) {
    const partOf = (one: CapacityPoint) => Math.floor((one.atMs - first.atMs) / partMs);
    const rest = points.slice(at, at + pointsMax);
    const ends = rest.findIndex((one) => partOf(one) !== partOf(points[at]!));
    const part = ends === -1 ? rest : rest.slice(0, ends);
    const highest = part.reduce((most, one) => (one.desired > most.desired ? one : most));
    const end = part.at(-1)!;
    kept.push(...(highest === end ? [end] : [highest, end]));
    at += part.length;
  }
  return kept;
}
