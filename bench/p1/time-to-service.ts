import { atLeast, type Bench, pairFigure } from "../lib/bench.js";
import { inTurns, type Pairs, timePairsOf } from "../lib/pairs.js";
import { growthExponent } from "../lib/statistics.js";
import { openBare } from "./bare-client.js";
import { openSimulated, type Scaler } from "./cloud.js";
import { openMuster } from "./muster.js";

const rounds = 3;
const sizes = [20, 200, 2_000] as const;

const { createsAtOnce, pollMs } = openSimulated(0);
const notes = [
  "from the scale event to all servers in service, against a bare client that makes the same " +
    `creates, ${createsAtOnce} at once, and then lists every ${pollMs} ms`,
  "simulated cloud on the real clock: calls take 200 to 400 ms, builds 1 to 5 s; embedded store",
];

/** P1: time to service of one group. */
export const timeToService: Bench = {
  id: "P1",
  title: "time from a scale event to N servers in service",
  async run({ say }) {
    const pairs: [number, Pairs][] = [];
    for (const servers of sizes) {
      pairs.push([servers, await measure({ groups: 1, serversEach: servers })]);
      say(`${servers} servers: ratio ${pairs.at(-1)![1].ratio.toFixed(2)}`);
    }
    const points = pairs.map(([size, { ours }]) => ({ size, cost: ours.median }));
    return {
      ratios: Object.fromEntries(pairs.map(([servers, { ratio }]) => [servers, ratio])),
      targets: pairs.map(([servers, { ratio }]) => atLeast(`${servers} servers`, 0.91, ratio)),
      figures: pairs.map(([servers, one]) => pairFigure(`${servers} servers`, "ms", one)),
      growth: [
        { name: "time", of: "servers", cost: "ms", points, exponent: growthExponent(points) },
      ],
      notes,
    };
  },
};

/** P2: many groups at once. */
export const manyGroups: Bench = {
  id: "P2",
  title: "time until 100 groups that scale at once have 20 servers each in service",
  async run() {
    const pairs = await measure({ groups: 100, serversEach: 20 });
    return {
      ratios: { groups: pairs.ratio },
      targets: [atLeast("100 groups of 20", 0.87, pairs.ratio)],
      figures: [pairFigure("100 groups of 20", "ms", pairs)],
      growth: [],
      notes,
    };
  },
};

async function measure(wish: {
  readonly groups: number;
  readonly serversEach: number;
}): Promise<Pairs> {
  const { groups, serversEach } = wish;
  const seeds = { ours: 0, reference: 0 };
  const { ours, reference } = await inTurns(rounds, {
    ours: () =>
      timeOf(openMuster(openSimulated(++seeds.ours), { groups, max: serversEach }), serversEach),
    reference: () => timeOf(openBare(openSimulated(++seeds.reference)), groups * serversEach),
  });
  return timePairsOf(ours, reference);
}

async function timeOf(opening: Promise<Scaler>, servers: number): Promise<number> {
  const scaler = await opening;
  try {
    return await scaler.scale(servers);
  } finally {
    await scaler.close();
  }
}
