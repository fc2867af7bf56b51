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

/** Of the node that takes the events: another one has the leases, or it has them itself. */
const standings = {
  apart: { converges: false },
  holder: { converges: true, isStopped: true },
} as const;
type StandingName = keyof typeof standings;

/** P4: P3 on Cassandra. */
export const scaleEventsOnCassandra: Bench = {
  id: "P4",
  store: "cassandra",
  title: "scale events accepted per second, durable, one node, Cassandra",
  async run(run) {
    const cases: Case[] = [];
    for (const standing of ["apart", "holder"] as const)
      cases.push(...(await withHome((home) => measureAll(run, home, standing))));
    return {
      ratios: Object.fromEntries(cases.map((one) => [nameOf(one), one.bare.ratio])),
      targets: cases.map((one) =>
        atLeast(`${nameOf(one)}: share of the bare rate`, ratioMin, one.bare.ratio),
      ),
      figures: cases.flatMap(figuresOf),
      growth: (["apart", "holder"] as const).map((standing) => {
        const points = cases
          .filter((one) => one.standing === standing)
          .map(({ callers, bare }) => ({ size: callers, cost: 1000 / bare.ours.median }));
        return {
          name: `an event's time, ${standing}`,
          of: "callers",
          cost: "ms of wall time an event",
          points,
          exponent: growthExponent(points),
        };
      }),
      notes: [
        "every caller sets its own group's target, alternating, and every event is applied",
        "apart: another node holds the leases, so that nothing converges",
        "holder: the node holds them, and its kill switch is on: each event is followed by a turn that plans, and waits",
        `ours writes for one event: ${cases.map(writtenOf).join("; ")}`,
        "reference: one conditional batch for one event, the same rows and bytes, same client settings",
        "store alone: the store's own commit for one event, as large, with its way to the feed",
        "the journal's copy runs beside ours and is waited for; nobody follows the events",
        "one Cassandra node with one copy, on the same machine",
      ],
    };
  },
};

interface Case {
  readonly standing: StandingName;
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

async function measureAll(
  run: BenchRun,
  home: Home,
  standing: StandingName,
): Promise<readonly Case[]> {
  const store = await openStoreAt(home);
  const muster = await openBenchMuster({ listens: false, ...standings[standing], store });
  try {
    await createGroups(muster, Math.max(...callerCounts));
    const submit = createSubmitter(muster, false);
    const cases: Case[] = [];
    for (const callers of callerCounts) {
      const one = { standing, ...(await measureCase(muster, { home, callers, submit })) };
      const { ours, reference, ratio } = one.bare;
      const rates = `${Math.round(ours.median)} of ${Math.round(reference.median)} events/s`;
      run.say(`${nameOf(one)}: ${rates}, ratio ${ratio.toFixed(2)}`);
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
): Promise<Omit<Case, "standing">> {
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
  const name = nameOf(one);
  const p50 = { ours: summaryOf(one.p50Ms), reference: summaryOf(one.bareP50Ms) };
  const p99 = { ours: summaryOf(one.p99Ms), reference: summaryOf(one.bareP99Ms) };
  return [
    pairFigure(name, "events/s", one.bare),
    { name: `${name}, p50`, unit: "ms", ...p50 },
    { name: `${name}, p99`, unit: "ms", ...p99 },
    pairFigure(`${name}, store alone`, "commits/s", one.storeAlone),
  ];
}

function nameOf({ standing, callers }: Pick<Case, "standing" | "callers">): string {
  return `${callers} callers, ${standing}`;
}

function writtenOf(one: Case): string {
  return `${nameOf(one)}: ${writtenText(one.written)}`;
}
