import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { type Bench, below, type Figure } from "../lib/bench.js";
import { withHome } from "../lib/cassandra-bed.js";
import { growthExponent, medianOf, summaryOf } from "../lib/statistics.js";
import { openPair, type TakeOver } from "./pair.js";

const groupCounts = [30, 300, 3_000] as const;
const rounds = 5;
const { ttlMs } = defaultLeaseTimes;
const beyondMsMax = 2_000;

/** P10: a node is killed, and another one takes over. */
export const takeOver: Bench = {
  id: "P10",
  store: "cassandra",
  title: "a node is killed, until its groups converge elsewhere",
  async run({ say }) {
    const cases: Case[] = [];
    for (const groups of groupCounts) {
      const times = await withHome(async (home) => {
        const pair = await openPair(home, groups);
        const found: TakeOver[] = [];
        try {
          for (let round = 0; round < rounds; round++) found.push(await pair.takeOver());
        } finally {
          await pair.close();
        }
        return found;
      });
      cases.push({ groups, times });
      const told = times.map(({ createsMs, convergedMs }) => `${createsMs} (${convergedMs})`);
      say(`${groups} groups: creates (converged) after ${told.join(", ")} ms`);
    }
    const points = cases.map(({ groups, times }) => {
      return { size: groups, cost: medianOf(createsOf(times)) };
    });
    return {
      ratios: Object.fromEntries(points.map(({ size, cost }) => [`${size}`, ttlMs / cost])),
      targets: cases.map(({ groups, times }) =>
        below(
          `${groups} groups: longest ms to the last group's first create`,
          ttlMs + beyondMsMax,
          Math.max(...createsOf(times)),
        ),
      ),
      figures: cases.flatMap(figuresOf),
      growth: [
        { name: "take-over", of: "groups", cost: "ms", points, exponent: growthExponent(points) },
      ],
      notes: [
        `ratio: the lease's ${ttlMs} ms over the median`,
        "two processes over one Cassandra and one cloud; SIGKILL at various moments of the renewal",
        "20 groups are asked for more right after the kill, through the node that is left",
        "converged: also 10 more that the killed node was asked for 50 ms before: a create that it may have made is looked for until its call's deadline (5 s) and the listing's lag (1 s)",
      ],
    };
  },
};

interface Case {
  readonly groups: number;
  readonly times: readonly TakeOver[];
}

function createsOf(times: readonly TakeOver[]): number[] {
  return times.map(({ createsMs }) => createsMs);
}

function figuresOf({ groups, times }: Case): Figure[] {
  const converged = summaryOf(times.map(({ convergedMs }) => convergedMs));
  return [
    { name: `${groups} groups: first creates`, unit: "ms", ours: summaryOf(createsOf(times)) },
    { name: `${groups} groups: all converged`, unit: "ms", ours: converged },
  ];
}
