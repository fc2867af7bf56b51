import type { Home } from "../../test/cassandra/bed.js";
import { type BareStore, bareStoreOf } from "../lib/bare-store.js";
import { atLeast, type Bench, type BenchRun, type Figure, pairFigure } from "../lib/bench.js";
import { type CallRate, measureCallers } from "../lib/callers.js";
import { openStoreAt, withHome } from "../lib/cassandra-bed.js";
import type { Written } from "../lib/counted-store.js";
import {
  bareLoad,
  createSubmitter,
  perEvent,
  type Submit,
  weigh,
  writtenText,
} from "../lib/intake.js";
import { type BenchMuster, createGroups, openBenchMuster } from "../lib/muster.js";
import { inTurns, type Pairs, pairsOf } from "../lib/pairs.js";
import { growthExponent, summaryOf } from "../lib/statistics.js";
import { openBareWriter } from "./bare-writer.js";

const callerCounts = [1, 50, 500] as const;
const rounds = 5;
const forMs = 3_000;
const warmUpMs = 2_000;
const ratioMin = 0.5;

/** P4: P3 on Cassandra. */
export const scaleEventsOnCassandra: Bench = {
  id: "P4",
  store: "cassandra",
  title: "scale events accepted per second, durable, one node, Cassandra",
  run: (run) =>
    withHome(async (home) => {
      const cases = await measureAll(run, home);
      const points = cases.map(({ callers, bare }) => {
        return { size: callers, cost: 1000 / bare.ours.median };
      });
      return {
        ratios: Object.fromEntries(cases.map(({ callers, bare }) => [`${callers}`, bare.ratio])),
        targets: cases.map(({ callers, bare }) =>
          atLeast(`${callers} callers: share of the bare rate`, ratioMin, bare.ratio),
        ),
        figures: cases.flatMap(figuresOf),
        growth: [
          {
            name: "an event's time",
            of: "callers",
            cost: "ms of wall time an event",
            points,
            exponent: growthExponent(points),
          },
        ],
        notes: [
          "every caller sets its own group's target, alternating, and every event is applied",
          "another node holds the leases, so that nothing converges; no cloud is called",
          `ours writes for one event: ${cases.map(({ callers, written }) => `${callers} callers: ${writtenText(written)}`).join("; ")}`,
          "reference: one conditional batch for one event, the same rows and bytes, same client settings",
          "store alone: the store's own commit for one event, as large, with its way to the feed",
          "the journal's copy runs beside ours and is waited for; nobody follows the events",
          "one Cassandra node with one copy, on the same machine",
        ],
      };
    }),
};

interface Case {
  readonly callers: number;
  readonly bare: Pairs;
  readonly storeAlone: Pairs;
  readonly p50Ms: readonly number[];
  readonly p99Ms: readonly number[];
  readonly bareP50Ms: readonly number[];
  readonly bareP99Ms: readonly number[];
  /** Per event. */
  readonly written: Written;
}

type Rate = Omit<CallRate, "calls">;

async function measureAll(run: BenchRun, home: Home): Promise<readonly Case[]> {
  const store = await openStoreAt(home);
  const muster = await openBenchMuster({ listens: false, converges: false, store });
  try {
    await createGroups(muster, Math.max(...callerCounts));
    const submit = createSubmitter(muster, false);
    const cases: Case[] = [];
    for (const callers of callerCounts) {
      const one = await measureCase(muster, { home, callers, submit });
      const { ours, reference, ratio } = one.bare;
      const rates = `${Math.round(ours.median)} of ${Math.round(reference.median)} events/s`;
      run.say(`${callers} callers: ${rates}, ratio ${ratio.toFixed(2)}`);
      cases.push(one);
    }
    return cases;
  } finally {
    await muster.dispose();
  }
}

async function measureCase(
  muster: BenchMuster,
  { home, callers, submit }: { readonly home: Home; readonly callers: number; submit: Submit },
): Promise<Case> {
  const { events, written } = await weigh(muster, callers, submit);
  const load = { ...bareLoad(written, events), callers, name: `${callers}-callers` };
  const writer = bareStoreOf(load, await openBareWriter(home));
  const alone = bareStoreOf(load, await openStoreAt(home));
  try {
    await measureCallers({ callers, forMs: warmUpMs, call: submit });
    for (const one of [writer, alone]) await one.measure(warmUpMs);
    const rates = (one: BareStore) => async (): Promise<Rate> => {
      const { commitsPerSecond, ...rate } = await one.measure(forMs);
      return { ...rate, perSecond: commitsPerSecond };
    };
    const found = await inTurns<"ours" | "bare" | "alone", Rate>(rounds, {
      async ours() {
        const rate = await measureCallers({ callers, forMs, call: submit });
        await muster.settle(); // What is left to do must not slow the others down.
        return rate;
      },
      bare: rates(writer),
      alone: rates(alone),
    });
    const perSecond = (name: keyof typeof found) => found[name].map((one) => one.perSecond);
    return {
      callers,
      bare: pairsOf(perSecond("ours"), perSecond("bare")),
      storeAlone: pairsOf(perSecond("alone"), perSecond("bare")),
      p50Ms: found.ours.map((one) => one.latencyMsP50),
      p99Ms: found.ours.map((one) => one.latencyMsP99),
      bareP50Ms: found.bare.map((one) => one.latencyMsP50),
      bareP99Ms: found.bare.map((one) => one.latencyMsP99),
      written: perEvent(written, events),
    };
  } finally {
    await Promise.all([writer.close(), alone.close()]);
  }
}

function figuresOf(one: Case): Figure[] {
  const name = `${one.callers} callers`;
  const p50 = { ours: summaryOf(one.p50Ms), reference: summaryOf(one.bareP50Ms) };
  const p99 = { ours: summaryOf(one.p99Ms), reference: summaryOf(one.bareP99Ms) };
  return [
    pairFigure(name, "events/s", one.bare),
    { name: `${name}, p50`, unit: "ms", ...p50 },
    { name: `${name}, p99`, unit: "ms", ...p99 },
    pairFigure(`${name}, store alone`, "commits/s", one.storeAlone),
  ];
}
