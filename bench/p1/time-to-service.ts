import { atLeast, type Bench, type Figure } from "../lib/bench.js";
import { measurePairs, type Pairs } from "../lib/pairs.js";
import { growthExponent, type Summary, summaryOf } from "../lib/statistics.js";
import { bareMs } from "./bare-client.js";
import { limits } from "./cloud.js";
import { musterMs, type Wish } from "./muster.js";

const rounds = 3;
const sizes = [20, 200, 2_000] as const;

const notes = [
  "from the scale event to all servers in service, against a bare client that makes the same " +
    `creates, ${limits.createsAtOnce} at once, and then lists every ${limits.pollMs} ms`,
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
    const points = pairs.map(([size, { ours }]) => ({ size, cost: 1_000 / ours.median }));
    return {
      ratios: Object.fromEntries(pairs.map(([servers, { ratio }]) => [servers, ratio])),
      targets: pairs.map(([servers, { ratio }]) => atLeast(`${servers} servers`, 0.91, ratio)),
      figures: pairs.map(([servers, one]) => figureOf(`${servers} servers`, one)),
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
      figures: [figureOf("100 groups of 20", pairs)],
      growth: [],
      notes,
    };
  },
};

/** As rates, so that more is better. */
function measure(wish: Wish): Promise<Pairs> {
  const seeds = { ours: 0, reference: 0 };
  const servers = wish.groups * wish.serversEach;
  return measurePairs({
    rounds,
    ours: async () => 1_000 / (await musterMs(wish, ++seeds.ours)),
    reference: async () => 1_000 / (await bareMs(servers, ++seeds.reference)),
  });
}

function figureOf(name: string, { ours, reference, ratios }: Pairs): Figure {
  const times = ({ median, min, max }: Summary) =>
    summaryOf([min, median, max].map((rate) => 1_000 / rate));
  return { name, unit: "ms", ours: times(ours), reference: times(reference), ratio: ratios };
}
