import { atLeast, type Bench, type Figure, pairFigure } from "../lib/bench.js";
import { type Child, startChild } from "../lib/child.js";
import { measurePairs, type Pairs, pairsOf } from "../lib/pairs.js";
import { growthExponent } from "../lib/statistics.js";
import { eventsPerBatch } from "./batches.js";
import type { FeedLoad, FeedRate } from "./feeder.js";
import { openSubscribers, type Subscribers } from "./subscribers.js";

const subscriberCounts = [1, 100, 1_000] as const;
const connections = 10;
const rounds = 5;
const forMs = 1_000;
const warmUpMs = 700;
const ratioMin = 0.7;
/** Deliveries of batches on their way at once. */
const batchesUnderWay = 8_000;
const windowMax = 128;

/** P7: events delivered to many subscribers. */
export const eventStreaming: Bench = {
  id: "P7",
  title: "event streaming, against bare grpc-js that sends the same prepared bytes",
  async run(run) {
    const figures: Figure[] = [];
    const points: { size: number; cost: number }[] = [];
    const walls: [string, number][] = [];
    for (const count of subscriberCounts) {
      const { wall, cpu } = await measureCount(count);
      const rates = `${Math.round(wall.ours.median)} of ${Math.round(wall.reference.median)}`;
      const cpuRatio = `a server CPU second ${cpu.ratio.toFixed(2)}`;
      run.say(`${count} subscribers: ${rates} deliveries/s, ${wall.ratio.toFixed(2)}; ${cpuRatio}`);
      figures.push(
        pairFigure(`${count} subscribers`, "deliveries/s", wall),
        pairFigure(`${count} subscribers, server`, "deliveries/CPU s", cpu),
      );
      points.push({ size: count, cost: 1000 / cpu.ours.median });
      walls.push([`${count}`, wall.ratio]);
    }
    return {
      ratios: Object.fromEntries(walls),
      targets: walls.map(([count, ratio]) => {
        return atLeast(`${count} subscribers: share of the bare rate`, ratioMin, ratio);
      }),
      figures,
      growth: [
        {
          name: "a delivery",
          of: "subscribers",
          cost: "server CPU ms",
          points,
          exponent: growthExponent(points),
        },
      ],
      notes: [
        `a delivery is one event at one subscriber; batches of ${eventsPerBatch} events on both sides`,
        "ours: the real hub and server, fed with batches in memory, not with commits to a file",
        `over ${connections} connections; servers and subscribers in processes of their own`,
        "no more batches under way than a window, the same on both sides, so that nobody is too slow",
      ],
    };
  },
};

interface Side {
  rate(forMs: number): Promise<FeedRate>;
  close(): Promise<void>;
}

async function measureCount(count: number): Promise<{ wall: Pairs; cpu: Pairs }> {
  const ours = await openSide(new URL("./muster-child.js", import.meta.url), count);
  const bare = await openSide(new URL("./bare-child.js", import.meta.url), count);
  const perCpu = { ours: [] as number[], reference: [] as number[] };
  const measure = async (side: Side, list: number[]) => {
    const { batches, eventsPerSecond, cpuMs } = await side.rate(forMs);
    list.push((batches * eventsPerBatch * count * 1000) / cpuMs);
    return eventsPerSecond * count;
  };
  try {
    await ours.rate(warmUpMs);
    await bare.rate(warmUpMs);
    const wall = await measurePairs({
      rounds,
      ours: () => measure(ours, perCpu.ours),
      reference: () => measure(bare, perCpu.reference),
    });
    return { wall, cpu: pairsOf(perCpu.ours, perCpu.reference) };
  } finally {
    await ours.close();
    await bare.close();
  }
}

async function openSide(entry: URL, count: number): Promise<Side> {
  const child: Child = await startChild(entry);
  const window = Math.min(windowMax, Math.max(4, Math.round(batchesUnderWay / count)));
  const subscribers: Subscribers = await openSubscribers({
    address: await child.ask<string>("address"),
    count,
    connections,
    tellEvery: Math.max(1, window / 4),
    everybodyHas: (batches) => child.tell("acknowledged", batches),
  });
  return {
    rate(forMs) {
      subscribers.restart();
      return child.ask<FeedRate>("run", { forMs, window } satisfies FeedLoad);
    },
    async close() {
      subscribers.close();
      await child.stop();
    },
  };
}
