import { loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ScheduleId } from "../../src/core/model/ids.js";
import { type Bench, type BenchRun, below } from "../lib/bench.js";
import {
  type BenchMuster,
  benchCaller,
  benchColo,
  benchGroup,
  createGroups,
  openBenchMuster,
} from "../lib/muster.js";
import { growthExponent, percentileOf, summaryOf } from "../lib/statistics.js";

const sizes = [1_000, 3_000, 10_000] as const;
const promised = 10_000;
/** All of them must have run by then. */
const withinMs = 60_000;
/** So much longer may what a person asks for take, while they do. */
const delayMsMax = 100;
/** A person asks so often. */
const askEveryMs = 25;
const calmMs = 10_000;
const minuteMs = 60_000;
const createsAtOnce = 50;
const pollMs = 5;
/** Each of them has a group. */
const peopleCount = 20;

/** Schedules that fall due at the same moment, and what people wait for meanwhile. */
export const schedules: Bench = {
  id: "SCHEDULES",
  title: "10,000 schedules due at once, one node, embedded store",
  async run(run) {
    const cases: Case[] = [];
    let [busiest = 0] = loadavg();
    for (const size of sizes) {
      cases.push(await measure(run, size));
      busiest = Math.max(busiest, loadavg()[0] ?? 0);
    }
    const full = cases.find(({ size }) => size === promised)!;
    const points = cases.map(({ size, allMs }) => ({ size, cost: allMs }));
    return {
      ratios: { askedMeanwhile: full.calmMsP99 / full.busyMsP99 },
      targets: [
        below("ms until all 10,000 have run", withinMs, full.allMs),
        below(
          "p99 of an event by hand meanwhile, beyond that in calm, ms",
          delayMsMax,
          full.busyMsP99 - full.calmMsP99,
        ),
      ],
      figures: cases.flatMap(figuresOf),
      growth: [
        {
          ...{ name: "all have run", of: "schedules", cost: "ms", points },
          exponent: growthExponent(points),
        },
      ],
      notes: [
        `load average of a minute, at most, all that ran on the machine included: ${busiest.toFixed(1)}`,
        "every schedule changes the target of a group of its own by one; all are due at one moment",
        "groups converge under a brake: each run is followed by a turn, and nothing is created",
        `an event by hand sets the target of one of ${peopleCount} more groups, every ${askEveryMs} ms`,
        "meanwhile: from the due moment until the last schedule has run",
        `lateness is the decided event's own; for ${promised}: p50 ${ms(full.lateMs, 0.5)}, p99 ${ms(full.lateMs, 0.99)} ms`,
        `commits for one of ${promised} schedules, turns included: ${full.commits.toFixed(2)}`,
      ],
    };
  },
};

interface Case {
  readonly size: number;
  /** From the due moment until the last one's decision was durable. */
  readonly allMs: number;
  readonly lateMs: readonly number[];
  readonly calmMsP99: number;
  readonly busyMsP99: number;
  readonly busyMs: readonly number[];
  readonly calm: readonly number[];
  /** For one schedule. */
  readonly commits: number;
}

async function measure({ say }: BenchRun, size: number): Promise<Case> {
  const lateMs: number[] = [];
  const muster = await openBenchMuster({ listens: false, converges: true }, (commit) => {
    for (const { facts } of commit.events)
      if (typeof facts["lateMs"] === "number") lateMs.push(facts["lateMs"]);
  });
  try {
    await createGroups(muster, size + peopleCount);
    const brake = { colo: benchColo, operations: ["create"], reason: "asks are measured" } as const;
    await muster.supervisor.colos.setBrake(brake, benchCaller);
    const dueAtMs = await schedule(muster, size);
    await muster.settle();
    const people = createPeople(muster, size);
    await sleep(dueAtMs - Date.now() - calmMs);
    const calm = await people.askUntil(() => Date.now() >= dueAtMs);
    const before = muster.store.written().commits;
    const startMs = performance.now();
    let allMs = Number.NaN;
    const busyMs = await people.askUntil(() => {
      if (lateMs.length >= size && Number.isNaN(allMs)) allMs = performance.now() - startMs;
      return lateMs.length >= size || performance.now() - startMs > 2 * withinMs;
    });
    const commits = (muster.store.written().commits - before - busyMs.length) / size;
    const calmMsP99 = percentileOf(calm, 0.99);
    const busyMsP99 = percentileOf(busyMs, 0.99);
    const told = `all after ${Math.round(allMs)} ms; by hand p99 ${busyMsP99.toFixed(1)} ms`;
    say(`${size}: ${told}, in calm ${calmMsP99.toFixed(1)} ms`);
    return { size, allMs, lateMs, calmMsP99, busyMsP99, busyMs, calm, commits };
  } finally {
    await muster.dispose();
  }
}

/** Each group gets one; all are due at the first full second that leaves time to make them. */
async function schedule({ supervisor }: BenchMuster, size: number): Promise<number> {
  const startMs = Date.now();
  const spareMs = calmMs + size * perScheduleMs;
  const dueAtMs = Math.ceil((startMs + spareMs) / 1_000) * 1_000;
  let made = 0;
  const maker = async () => {
    while (made < size) {
      const key = benchGroup(made++);
      const spec = {
        ...{ displayName: "One more", graceMs: minuteMs },
        action: { kind: "change", change: 1 },
        timing: { kind: "at", atMs: dueAtMs },
      } as const;
      const asked = { key, schedule: "more" as ScheduleId, spec };
      await supervisor.schedules.create(asked, benchCaller);
    }
  };
  await Promise.all(Array.from({ length: createsAtOnce }, maker));
  if (Date.now() > dueAtMs - calmMs)
    throw new Error(`${size} schedules were not made before they were due`);
  return dueAtMs;
}

/** Generous: a machine that others share may be slow. */
const perScheduleMs = 5;

/** People who set the targets of groups that have no schedule, at a steady rate. */
function createPeople({ supervisor }: BenchMuster, from: number) {
  let asks = 0;
  return {
    /** @returns how long each answer took. */
    async askUntil(isOver: () => boolean): Promise<number[]> {
      const tookMs: number[] = [];
      const open = new Set<Promise<void>>();
      let nextMs = performance.now();
      while (!isOver()) {
        await sleep(pollMs);
        // Who comes while the node is too busy to take it waits from then on.
        for (; nextMs <= performance.now(); nextMs += askEveryMs) {
          const askedMs = nextMs;
          const key = benchGroup(from + (asks % peopleCount));
          const ask = { kind: "target", target: 1 + (Math.floor(asks / peopleCount) % 2) } as const;
          asks++;
          const answer = supervisor.scaling
            .submit({ key, source: "manual", ask }, benchCaller)
            .then(() => {
              tookMs.push(performance.now() - askedMs);
              open.delete(answer);
            });
          open.add(answer);
        }
      }
      await Promise.all(open);
      return tookMs;
    },
  };
}

function figuresOf({ size, allMs, lateMs, busyMs, calm }: Case) {
  return [
    { name: `${size} schedules: all have run`, unit: "ms", ours: summaryOf([allMs]) },
    { name: `${size} schedules: lateness`, unit: "ms", ours: summaryOf(lateMs) },
    {
      ...{ name: `${size} schedules: an event by hand meanwhile`, unit: "ms" },
      ours: summaryOf(busyMs),
      reference: summaryOf(calm),
    },
  ];
}

function ms(values: readonly number[], share: number): string {
  return percentileOf(values, share).toFixed(0);
}
