import { Fault } from "../errors/fault.js";
import type { Group } from "../model/group.js";
import type { PolicyId } from "../model/ids.js";
import type { PlacementDoc } from "../model/placement.js";
import type { Policy } from "../model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../model/scale-event.js";
import type { Schedule } from "../model/schedule.js";
import {
  type SimulatedDecision,
  type SimulatedEvent,
  type Simulation,
  simulatedId,
} from "../model/simulation.js";
import type { NextOccurrence } from "../policy/agenda.js";
import { settleLimits } from "../policy/limits.js";
import { sum } from "../policy/numbers.js";
import { splitTarget } from "../policy/split.js";
import { createFleet, type Fleet } from "./fleet.js";
import { simulationLimits } from "./limits.js";
import { createReplay } from "./replay.js";
import { createTally } from "./tally.js";
import type { ReplayPart } from "./time-passing.js";

/** All that a simulation goes by; it knows nothing else of the installation. */
export interface SimulationInput {
  /** With the limits that are to be simulated. */
  readonly group: Group;
  readonly policies: readonly Policy[];
  /** They count as if they had been there before it begins. */
  readonly schedules: readonly Schedule[];
  readonly next: NextOccurrence;
  /** In the order of their times, all within `fromMs` ≤ at < `untilMs`. */
  readonly events: readonly SimulatedEvent[];
  readonly fromMs: number;
  readonly untilMs: number;
  /** Total; split and clamped as the group's limits have it. */
  readonly startTarget: number;
  /** From a server's intention to its being in service. */
  readonly bootMs: number;
  /** Of the answer. */
  readonly decisionsMax: number;
}

/** Every placement is looked at so often, whatever there is to do (B4.9). */
const lookMsMax = 300_000;

/** A simulation under way: whoever runs it decides when to let others have a turn. */
export interface Simulating {
  /**
   * Goes on for some moments. False: it has ended.
   *
   * @throws Fault `LIMIT_EXCEEDED` after too many decisions.
   */
  goOn(momentsMax: number): boolean;
  result(): Simulation;
}

/**
 * Simulates a group's decisions on a clock of its own. It decides with what the supervisor decides
 * with; its servers all take the same time to boot, and none fails. A moment is a turn: what time
 * brings, events, alerts that stand, and then servers, so that an answer of the cloud is seen by
 * the look after it.
 */
export function createSimulation(input: SimulationInput): Simulating {
  const { group, events, fromMs, untilMs, bootMs } = input;
  let serial = 0;
  const nextId = () => simulatedId(++serial);
  const fleets: Fleet[] = [];
  const parts = partsOf(input).map((doc): ReplayPart => {
    const fleet = createFleet(group, { bootMs, first: doc.target, startMs: fromMs });
    fleets.push(fleet);
    return { doc, servers: fleet.servers };
  });
  const replay = createReplay({
    ...input,
    ...{ nextId, parts: parts as [ReplayPart, ...ReplayPart[]] },
    schedules: input.schedules.map((one) => ({ ...one, timedAtMs: fromMs - 1 })),
  });
  const tally = createTally(input.decisionsMax);
  let at = 0;
  let nowMs = fromMs;
  let lookAtMs: number | undefined;
  let decisions = 0;

  /** Only what is before the end is of the simulation. */
  function moment(): void {
    const decided = [...replay.passTime(nowMs)];
    const event = events[at];
    if (event && event.atMs <= nowMs) {
      decided.push(replay.submit(eventOf(event)));
      at++;
    }
    decided.push(...circle());
    for (const one of decided) tally.decided(one);
    decisions += decided.length;
    for (const [index, { doc }] of parts.entries()) fleets[index]!.converge(doc.target, nowMs);
    stand();
  }

  /** Each is asked on what the one before has left: they share demand, guards and the cooldown. */
  function circle(): readonly SimulatedDecision[] {
    const decided: SimulatedDecision[] = [];
    const asked = new Set<PolicyId>();
    for (;;) {
      const { due, nextAtMs } = replay.look(nowMs);
      lookAtMs = asked.size > 0 ? nowMs : nextAtMs;
      const first = due.find(({ policy }) => !asked.has(policy));
      if (!first) return decided;
      asked.add(first.policy);
      decided.push(replay.circle(first, nowMs));
    }
  }

  function eventOf(event: SimulatedEvent): ScaleEvent {
    const { ofServers, ...rest } = event;
    const ask = scaled(event, replay.target());
    return { ...rest, ask, id: nextId(), principal: "simulation" };
  }

  function stand(): void {
    const inService = sum(fleets.map((one) => one.inService()));
    const servers = sum(fleets.map((one) => one.servers.size));
    tally.stands({ atMs: nowMs, desired: replay.target(), inService, servers });
  }

  function nextMoment(): number {
    const times = [
      nowMs + lookMsMax,
      events[at]?.atMs,
      lookAtMs,
      replay.nextDueMs(nowMs),
      ...fleets.map((one) => one.nextReadyMs()),
    ].filter((time) => time !== undefined);
    return Math.min(untilMs, ...times.map((time) => Math.max(time, nowMs)));
  }

  return {
    goOn(momentsMax) {
      for (let moments = 0; moments < momentsMax; moments++) {
        if (nowMs >= untilMs) return false;
        moment();
        const { decisionsMax } = simulationLimits;
        if (decisions > decisionsMax)
          throw new Fault("LIMIT_EXCEEDED", {
            say: `a simulation makes at most ${decisionsMax} decisions: shorten its time`,
            facts: { decisionsMax: String(decisionsMax) },
          });
        nowMs = nextMoment();
      }
      return nowMs < untilMs;
    },
    result() {
      stand();
      return tally.result();
    },
  };
}

/** With more servers each would have had less to do (decision 0031). */
function scaled({ ask, ofServers }: SimulatedEvent, servers: number): ScaleAsk {
  if (ask.kind !== "alert" || ask.value === undefined || ofServers === undefined) return ask;
  if (ofServers === servers || servers === 0) return ask;
  return { ...ask, value: (ask.value * ofServers) / servers };
}

/** The placements as they stand when it begins: nothing was decided before. */
function partsOf({ group, startTarget, fromMs }: SimulationInput): readonly PlacementDoc[] {
  const { account, id, uid, generation } = group;
  const split = splitTarget({
    total: startTarget,
    placements: group.placements.map((one) => ({ ...one, current: one.min })),
  });
  return group.placements.map(({ colo, min, max }, index) => {
    const doc: PlacementDoc = {
      key: { account, group: id, colo },
      ...{ groupUid: uid, groupGeneration: generation, min, max },
      target: split[index]!.newTarget,
      ...{ targetChangedAtMs: fromMs, deleting: false },
      ...{ groupMarks: {}, policyMarks: {}, conditions: [] },
    };
    return { ...doc, target: settleLimits(doc, fromMs).target };
  });
}
