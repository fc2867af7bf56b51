import { openBed } from "../../test/openstack/bed.js";
import { removeServers } from "../../test/openstack/servers.js";
import { atLeast, type Bench, type Figure, type Findings, pairFigure } from "../lib/bench.js";
import { inTurns, timePairsOf } from "../lib/pairs.js";
import { growthExponent, medianOf } from "../lib/statistics.js";
import { openBare } from "./bare-client.js";
import type { BenchCloud, Scaler } from "./cloud.js";
import { openMuster } from "./muster.js";
import { openNova } from "./nova.js";
import { openSenlin } from "./senlin.js";

interface Case {
  /** As the ratios name it. */
  readonly name: string;
  readonly title: string;
  readonly groups: number;
  readonly serversEach: number;
  readonly rounds: number;
  readonly ratioMin: number;
}

const cases: readonly Case[] = [
  { name: "20", title: "20 servers", groups: 1, serversEach: 20, rounds: 3, ratioMin: 1 },
  { name: "60", title: "60 servers", groups: 1, serversEach: 60, rounds: 2, ratioMin: 1 },
  { name: "P2", title: "6 groups of 10", groups: 6, serversEach: 10, rounds: 2, ratioMin: 0.87 },
];
/** The case that Senlin takes part in. */
const senlinCase = "20";

/** How long one took to all servers in service, and back to none; ms. */
interface Times {
  readonly outMs: number;
  readonly inMs: number;
}

/** Senlin may lose an action for good; that does not take the others' figures along. */
const neverThere: Times = { outMs: Number.NaN, inMs: Number.NaN };

interface Found {
  readonly one: Case;
  readonly times: Readonly<Record<"ours" | "reference" | "senlin", readonly Times[]>>;
}

/** P1, and a small P2, on the real Nova; Senlin beside them. */
export const timeOnOpenstack: Bench = {
  id: "P1",
  cloud: "openstack",
  title: "time from a scale event to N servers in service, and back to none, on the real Nova",
  async run({ say }) {
    const bed = await openBed();
    const nova = openNova(bed);
    const { pollMs } = nova;
    const found: Found[] = [];
    try {
      for (const one of cases) {
        const { groups, serversEach } = one;
        const max = groups * serversEach;
        const tell = async (who: string, times: Promise<Times>) => {
          const { outMs, inMs } = await times;
          say(`${one.title}, ${who}: ${Math.round(outMs)} ms, and ${Math.round(inMs)} ms back`);
          return times;
        };
        const ours = () =>
          tell("Muster", thereAndBack(openMuster(nova, { groups, max }), serversEach));
        const reference = () => tell("bare client", thereAndBack(openBare(nova), max));
        const senlin = () =>
          tell("Senlin", thereAndBack(openSenlin(bed, { max, pollMs }), max)).catch((error) => {
            say(`${one.title}, Senlin: ${error}`);
            return neverThere;
          });
        const both = { ours, reference };
        const times =
          one.name === senlinCase
            ? await inTurns(one.rounds, { ...both, senlin })
            : { ...(await inTurns(one.rounds, both)), senlin: [] };
        found.push({ one, times });
      }
    } finally {
      for (const caller of [bed.callers.acme, bed.callers.other])
        await removeServers(caller, "bench-");
    }
    return findingsOf(found, nova);
  },
};

async function thereAndBack(opening: Promise<Scaler>, servers: number): Promise<Times> {
  const scaler = await opening;
  try {
    const outMs = await scaler.scale(servers);
    return { outMs, inMs: await scaler.scale(0) };
  } finally {
    await scaler.close();
  }
}

const outOf = (times: readonly Times[]) => times.map(({ outMs }) => outMs);
const inOf = (times: readonly Times[]) => times.map(({ inMs }) => inMs);

function findingsOf(found: readonly Found[], { pollMs, createsAtOnce }: BenchCloud): Findings {
  const ratios = found.map(({ one, times: { ours, reference } }) => {
    return { one, ratio: timePairsOf(outOf(ours), outOf(reference)).ratio };
  });
  const points = found
    .filter(({ one }) => one.groups === 1)
    .map(({ one, times }) => ({ size: one.serversEach, cost: medianOf(outOf(times.ours)) }));
  return {
    ratios: Object.fromEntries(ratios.map(({ one, ratio }) => [one.name, ratio])),
    targets: ratios.map(({ one, ratio }) => atLeast(one.title, one.ratioMin, ratio)),
    figures: found.flatMap(figuresOf),
    growth: [{ name: "time", of: "servers", cost: "ms", points, exponent: growthExponent(points) }],
    notes: [
      "from the scale event to all servers in service, as Muster tells it, and from the event that " +
        "wants none to all gone",
      "the bare client makes the same calls by the same driver, " +
        `${createsAtOnce} at once, then lists every ${pollMs} ms, as often as Muster looks`,
      "Senlin's is a resize of a cluster, from the request to the end of its action",
      "Nova's and Neutron's APIs, databases and message bus are real, its virt driver is fake",
    ],
  };
}

function figuresOf({ one, times: { ours, reference, senlin } }: Found): Figure[] {
  const against = (name: string, others: readonly Times[]) => {
    const ended = (_: Times, round: number) => (others[round] ?? neverThere) !== neverThere;
    const [own, theirs] = [ours.filter(ended), others.filter(ended)];
    if (own.length === 0) return [];
    return [
      pairFigure(`${one.title}${name}`, "ms", timePairsOf(outOf(own), outOf(theirs))),
      pairFigure(`${one.title}${name}, back`, "ms", timePairsOf(inOf(own), inOf(theirs))),
    ];
  };
  return [...against("", reference), ...against(" by Senlin", senlin)];
}
