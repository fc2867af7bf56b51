import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import type { Observation } from "../../src/core/model/observation.js";
import type { Plan } from "../../src/core/model/plan.js";
import { planPlacement } from "../../src/core/plan/plan-placement.js";
import { type Bench, below, type Figure, type Growth, pairFigure } from "../lib/bench.js";
import { type Pairs, pairsOf } from "../lib/pairs.js";
import { growthExponent, medianOf, summaryOf } from "../lib/statistics.js";
import {
  bareObservation,
  changedObservation,
  planLimits,
  steadyObservation,
} from "./observation.js";
import { onePass } from "./one-pass.js";

const sizes = [1_000, 3_000, 10_000, 30_000] as const;
const promisedSize = 10_000;
const promisedMs = 10;
const rounds = 9;
/** Plans of one round, over all sizes: small ones are repeated until the clock can tell. */
const serversPerRound = 60_000;

/** P5: `plan()` for a placement of 10,000 servers. */
export const planning: Bench = {
  id: "P5",
  title: "plan() of a large placement, against one pass over the same data",
  async run({ say }) {
    const cases = [
      { name: "steady", observe: steadyObservation, check: checkSteady },
      { name: "steadyNoBalancer", observe: bareObservation, check: checkSteady },
      { name: "changed", observe: changedObservation, check: checkChanged },
    ];
    const figures: Figure[] = [];
    const growth: Growth[] = [];
    const ratios: Record<string, number> = {};
    const promised: { name: string; ms: number }[] = [];
    for (const { name, observe, check } of cases) {
      const points: { size: number; cost: number }[] = [];
      for (const size of sizes) {
        const seen = observe(size);
        check(planPlacement(seen, planLimits), size);
        const { pairs, planMs } = measure(seen, size);
        say(`${name}, ${size} servers: ${planMs.toFixed(2)} ms a plan`);
        figures.push(pairFigure(`${name}, ${size} servers`, "plans/s", pairs));
        points.push({ size, cost: planMs });
        if (size !== promisedSize) continue;
        ratios[name] = pairs.ratio;
        promised.push({ name, ms: planMs });
      }
      const exponent = growthExponent(points);
      growth.push({ name, of: "servers", cost: "ms", points, exponent });
    }
    return {
      ratios,
      targets: [
        ...promised.map(({ name, ms }) => below(`${name}: ms at 10,000 servers`, promisedMs, ms)),
        ...growth.map((one) => below(`${one.name}: growth exponent`, 1.2, one.exponent)),
      ],
      figures,
      growth,
      notes: [
        "every server is a member of one load balancer that checks health, but for steadyNoBalancer",
        "steady: nothing to do, and the plan is empty",
        "changed: 3 % ERROR, 3 % gone, 2 % lost their membership, target 2 % higher",
        "reference: one pass that matches every row with its server and its members",
      ],
    };
  },
};

/** Interleaved in small pieces, in one thread. */
function measure(seen: Observation, size: number): { pairs: Pairs; planMs: number } {
  const repeats = Math.max(1, Math.round(serversPerRound / size));
  let sink = 0;
  const plan = () => {
    sink += planPlacement(seen, planLimits).rows.length;
  };
  const pass = () => {
    sink += onePass(seen);
  };
  perSecond(plan, repeats * 3);
  perSecond(pass, repeats * 3);
  const ours: number[] = [];
  const reference: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(perSecond(plan, repeats));
    reference.push(perSecond(pass, repeats));
  }
  assert(sink > 0);
  return { pairs: pairsOf(ours, reference), planMs: 1000 / medianOf(ours) };
}

function perSecond(work: () => void, repeats: number): number {
  const times = Array.from({ length: repeats }, () => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  });
  return 1000 / summaryOf(times).median;
}

function checkSteady(plan: Plan): void {
  assert.equal(plan.rows.length + plan.steps.length + plan.events.length + plan.creates, 0);
}

function checkChanged(plan: Plan, size: number): void {
  assert(plan.rows.length >= size * 0.06, `${plan.rows.length} rows changed of ${size}`);
  assert(plan.creates > 0 && plan.steps.length > 0);
  assert.equal(plan.lookUps.length, 0);
}
