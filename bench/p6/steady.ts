import { setTimeout as sleep } from "node:timers/promises";
import type { Home } from "../../test/cassandra/bed.js";
import { type Bench, type BenchRun, below, type Figure, type Findings } from "../lib/bench.js";
import { openHome } from "../lib/cassandra-bed.js";
import { type Child, startChild } from "../lib/child.js";
import { benchGroup } from "../lib/muster.js";
import { growthExponent, summaryOf } from "../lib/statistics.js";
import { createInstallation, type Installation } from "./installation.js";
import type { SteadyStart, Sums } from "./steady-child.js";
import type { Template } from "./template.js";

const groupCounts = [100, 1_000, 10_000] as const;
const serversEach = 10;
const pollMs = 60_000;
/** The patrol looks at so many placements a second, and then rests: B4.9. */
const walkedPerSecond = 100;
const restMs = 300_000;
const settleMs = 20_000;
const cpuShareMax = 0.05;
const bytesMax = 1_024;

/** P6: what it takes when nothing changes. */
export const steady: Bench = {
  id: "P6",
  title: "steady state: 10,000 groups with 100,000 servers, nothing changing",
  run: (run) => measureSteady(run),
};

/** P6, with the state in Cassandra. */
export const steadyOnCassandra: Bench = {
  id: "P6",
  store: "cassandra",
  title: "steady state: 10,000 groups with 100,000 servers in Cassandra, nothing changing",
  run: (run) => measureSteady(run, openHome),
};

interface Case {
  readonly groups: number;
  readonly accounts: number;
  /** A round of the patrol takes that long: each placement is looked at once. */
  readonly roundMs: number;
  /** In one round. */
  readonly sums: Sums;
  /** Of a server, in the memory of the main thread. */
  readonly bytes: number;
}

async function measureSteady({ say }: BenchRun, home?: () => Promise<Home>): Promise<Findings> {
  const installations: Installation[] = [];
  try {
    for (const groups of groupCounts) {
      say(`preparing ${groups} groups`);
      installations.push(await createInstallation(groups, home));
    }
    say("walking through groups without servers");
    const bare = await Promise.all(installations.map((one) => measureHeap(one)));
    const templates: Template[] = [];
    for (const one of installations) templates.push(await one.addServers());
    say("steady with servers");
    const cases = await Promise.all(
      installations.map((one, index) => measureOne(one, templates[index]!, bare[index]!)),
    );
    for (const { groups, roundMs, sums, bytes } of cases)
      say(
        `${groups} groups: ${sums.passes} listings, ${Math.round(sums.cpuMs)} ms in ${roundMs} ms, ${Math.round(bytes)} B a server`,
      );
    return findingsOf(cases);
  } finally {
    for (const one of installations) await one.remove();
  }
}

function walkMs(groups: number): number {
  return (groups / walkedPerSecond) * 1_000;
}

async function measureHeap(installation: Installation, template?: Template): Promise<number> {
  const child = await startSteady(installation, template);
  try {
    await sleep(walkMs(installation.groups) + settleMs);
    return await child.ask<number>("heapBytes");
  } finally {
    await child.stop();
  }
}

async function measureOne(
  installation: Installation,
  template: Template,
  bareBytes: number,
): Promise<Case> {
  const { groups } = installation;
  const child = await startSteady(installation, template);
  try {
    await sleep(walkMs(groups) + settleMs);
    const roundMs = walkMs(groups) + restMs;
    const before = await child.ask<Sums>("sums");
    await sleep(roundMs);
    const after = await child.ask<Sums>("sums");
    const bytes = (await child.ask<number>("heapBytes")) - bareBytes;
    const names = Object.keys(after) as (keyof Sums)[];
    const sums = Object.fromEntries(names.map((name) => [name, after[name] - before[name]]));
    const accounts = new Set(
      Array.from({ length: groups }, (_, index) => benchGroup(index).account),
    ).size;
    const perServer = bytes / (groups * serversEach);
    return { groups, accounts, roundMs, sums: sums as unknown as Sums, bytes: perServer };
  } finally {
    await child.stop();
  }
}

function startSteady({ place, groups }: Installation, template?: Template): Promise<Child> {
  const start: SteadyStart = { place, groups, pollMs, ...(template && { template }) };
  return startChild(new URL("./steady-child.js", import.meta.url), [JSON.stringify(start)]);
}

function findingsOf(cases: readonly Case[]): Findings {
  const largest = cases.at(-1)!;
  const shareOf = ({ sums, roundMs }: Case) => (sums.cpuMs - sums.listMs) / roundMs;
  const perCycle = (count: number, { roundMs }: Case) => (count * pollMs) / roundMs;
  const points = cases.map((one) => ({
    size: one.groups * serversEach,
    cost: perCycle(one.sums.cpuMs - one.sums.listMs, one),
  }));
  const passes = (one: Case) => perCycle(one.sums.passes, one) / one.accounts;
  const name = `${largest.groups} groups`;
  return {
    ratios: { cpu: cpuShareMax / shareOf(largest), memory: bytesMax / largest.bytes },
    targets: [
      below(`${name}: listings of an account in a 60 s cycle`, 1.01, passes(largest)),
      below(`${name}: share of one core`, cpuShareMax, shareOf(largest)),
      below(`${name}: bytes of memory a server`, bytesMax, largest.bytes),
    ],
    figures: cases.flatMap((one): Figure[] => {
      const figure = (what: string, unit: string, value: number): Figure => ({
        name: `${one.groups} groups: ${what}`,
        unit,
        ours: summaryOf([value]),
      });
      return [
        figure("share of one core", "%", 100 * shareOf(one)),
        figure("CPU in a cycle", "ms", perCycle(one.sums.cpuMs - one.sums.listMs, one)),
        figure("listings of an account in a cycle", "", passes(one)),
        figure("reads of the store in a cycle", "", perCycle(one.sums.reads, one)),
        figure("commits in a cycle", "", perCycle(one.sums.commits, one)),
        figure("memory a server", "bytes", one.bytes),
      ];
    }),
    growth: [
      {
        name: "a cycle",
        of: "servers",
        cost: "ms of CPU in 60 s",
        points,
        exponent: growthExponent(points),
      },
    ],
    notes: [
      "ratios: what is allowed over what it took",
      "ten servers each, made after one group that a supervisor scaled; the cloud makes up its listings, whose time is left out",
      "measured over one round of the patrol, in which every placement is looked at once: 5 minutes and 1 s for 100 placements; all sizes at once, each in a process of its own",
      "CPU: of all threads, the embedded store's among them. Memory: the main thread's heap after a collection, less that of the same groups without servers",
    ],
  };
}
