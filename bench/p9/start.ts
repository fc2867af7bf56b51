import { type Bench, type BenchRun, below, type Figure, type Findings } from "../lib/bench.js";
import { openHome } from "../lib/cassandra-bed.js";
import { pairsOf } from "../lib/pairs.js";
import { growthExponent, medianOf, summaryOf } from "../lib/statistics.js";
import { createInstallation, type Installation, type InstallationOptions } from "./installation.js";

const groupCounts = [0, 1_000, 10_000] as const;
const groupsPromised = 10_000;
const rounds = 5;
const readyMsMax = 2_000;

/** P9: process start to ready. */
export const start: Bench = {
  id: "P9",
  title: "process start to ready, with 10,000 groups stored",
  run: (run) => measureStarts(run, {}),
};

/** P9, with the state in Cassandra. */
export const startOnCassandra: Bench = {
  id: "P9",
  store: "cassandra",
  title: "process start to ready, with 10,000 groups stored in Cassandra",
  run: (run) => measureStarts(run, { openHome }),
};

async function measureStarts(
  { say }: BenchRun,
  where: Pick<InstallationOptions, "openHome">,
): Promise<Findings> {
  const cases: StartCase[] = [];
  try {
    for (const groups of groupCounts)
      cases.push(await prepare(`${groups} groups`, { ...where, groups, atWork: false }, say));
    const busy = { ...where, groups: groupsPromised, atWork: true };
    cases.push(await prepare(`${groupsPromised} groups, all at work`, busy, say));
    for (let round = 0; round < rounds; round++) for (const one of cases) await startOne(one);
  } finally {
    for (const one of cases) await one.installation.remove();
  }
  for (const { name, readyMs, answeredMs } of cases)
    say(`${name}: ready ${ms(readyMs)} ms, first answer ${ms(answeredMs)} ms`);
  const empty = cases[0]!;
  const full = cases.filter((one) => one.groups === groupsPromised);
  const points = cases
    .filter((one) => one.groups > 0 && !one.atWork)
    .map(({ groups, readyMs }) => ({ size: groups, cost: medianOf(readyMs) }));
  return {
    ratios: Object.fromEntries(
      full.map((one) => [
        one.atWork ? "atWork" : "quiet",
        pairsOf(one.readyMs.map(perSecond), empty.readyMs.map(perSecond)).ratio,
      ]),
    ),
    targets: full.flatMap((one) => [
      below(`${one.name}: ms to ready`, readyMsMax, medianOf(one.readyMs)),
      below(`${one.name}: ms to the first answer`, readyMsMax, medianOf(one.answeredMs)),
    ]),
    figures: cases.flatMap(figuresOf),
    growth: [
      {
        name: "ready",
        of: "groups",
        cost: "ms",
        points,
        exponent: growthExponent(points),
      },
    ],
    notes: [
      "ratio: the time to ready with no group stored, over that with 10,000",
      "ready: the daemon's own line; first answer: a GetGroup over gRPC, asked for when ready",
      "groups have no servers; at work: all are looked at at once, as after a crash",
      "files are in the page cache: a cold disk is not measured",
    ],
  };
}

interface StartCase {
  readonly name: string;
  readonly groups: number;
  readonly atWork: boolean;
  readonly installation: Installation;
  readonly readyMs: number[];
  readonly answeredMs: number[];
}

async function prepare(
  name: string,
  options: InstallationOptions,
  say: (line: string) => void,
): Promise<StartCase> {
  say(`preparing ${name}`);
  const installation = await createInstallation(options);
  const { groups, atWork } = options;
  return { name, groups, atWork, installation, readyMs: [], answeredMs: [] };
}

async function startOne({ installation, readyMs, answeredMs }: StartCase): Promise<void> {
  const times = await installation.start();
  readyMs.push(times.readyMs);
  answeredMs.push(times.answeredMs);
}

function figuresOf({ name, readyMs, answeredMs }: StartCase): Figure[] {
  return [
    { name: `${name}: ready`, unit: "ms", ours: summaryOf(readyMs) },
    { name: `${name}: first answer`, unit: "ms", ours: summaryOf(answeredMs) },
  ];
}

function perSecond(timeMs: number): number {
  return 1000 / timeMs;
}

function ms(times: readonly number[]): string {
  return String(Math.round(medianOf(times)));
}
