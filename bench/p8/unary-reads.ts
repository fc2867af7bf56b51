import assert from "node:assert/strict";
import { atLeast, type Bench, type BenchRun, type Figure, pairFigure } from "../lib/bench.js";
import { measureCallers } from "../lib/callers.js";
import { type Child, startChild } from "../lib/child.js";
import { measurePairs, type Pairs, pairsOf } from "../lib/pairs.js";
import { growthExponent } from "../lib/statistics.js";
import { type Load, openConnectLoad, openGrpcLoad } from "./load.js";

const callers = 50;
const connections = { grpc: 5, connect: callers };
const groupCounts = [1, 30, 1_000] as const;
const groupsPromised = 30;
const rounds = 4;
const forMs = 700;
const warmUpMs = 1_500;
const ratioMin = 0.7;

type Door = "grpc" | "connect";

/** P8: reading a group over gRPC and over Connect. */
export const unaryReads: Bench = {
  id: "P8",
  title: "unary reads (GetGroup), against bare servers that answer the same message",
  async run(run) {
    const ours = await startChild(new URL("../lib/muster-child.js", import.meta.url), [
      "converges",
    ]);
    const bare = await startChild(new URL("./bare-child.js", import.meta.url));
    try {
      return await measureAll(run, ours, bare);
    } finally {
      await ours.stop();
      await bare.stop();
    }
  },
};

async function measureAll(run: BenchRun, ours: Child, bare: Child) {
  await ours.ask("createGroups", Math.max(...groupCounts));
  const figures: Figure[] = [];
  const ratios: Record<string, number> = {};
  const growth = [];
  for (const door of ["grpc", "connect"] as const) {
    const points: { size: number; cost: number }[] = [];
    for (const groups of groupCounts) {
      const { wall, cpu, cpuMsPerCall } = await measureDoor({ door, groups, ours, bare });
      const rates = `${Math.round(wall.ours.median)} of ${Math.round(wall.reference.median)}`;
      const share = `${wall.ratio.toFixed(2)}; a server CPU second ${cpu.ratio.toFixed(2)}`;
      run.say(`${door}, ${groups} groups: ${rates} calls/s, ${share}`);
      const name = `${door}, ${groups} groups`;
      figures.push(pairFigure(name, "calls/s", wall));
      figures.push(pairFigure(`${name}, server`, "calls/CPU s", cpu));
      points.push({ size: groups, cost: cpuMsPerCall });
      if (groups !== groupsPromised) continue;
      ratios[door] = wall.ratio;
      ratios[`${door}PerServerCpu`] = cpu.ratio;
    }
    const exponent = growthExponent(points);
    growth.push({ name: door, of: "groups", cost: "server CPU ms a call", points, exponent });
  }
  return {
    ratios,
    targets: Object.entries(ratios).map(([name, ratio]) => atLeast(name, ratioMin, ratio)),
    figures,
    growth,
    notes: [
      `${callers} callers; gRPC over ${connections.grpc} connections, Connect over ${connections.connect}`,
      `ratios with ${groupsPromised} groups read in turn; sizes are groups read in turn`,
      "reference: grpc-js, and connect-node on node:http, with the same codecs and one fixed answer",
      "ours authenticates, authorises, validates, reads the group and makes the message each time",
      "callers are bare HTTP/2 and HTTP/1.1 clients in one process; servers have their own",
    ],
  };
}

interface DoorCase {
  readonly door: Door;
  readonly groups: number;
  readonly ours: Child;
  readonly bare: Child;
}

async function measureDoor({ door, groups, ours, bare }: DoorCase) {
  const open = door === "grpc" ? openGrpcLoad : openConnectLoad;
  const options = { connections: connections[door], groups };
  const oursLoad = open({ ...options, address: await ours.ask<string>("address") });
  const bareAddresses = await bare.ask<Record<Door, string>>("addresses");
  const bareLoad = open({ ...options, address: bareAddresses[door] });
  const perCpu = { ours: [] as number[], reference: [] as number[] };
  try {
    const answer = await oursLoad.call(0);
    await bare.ask("answer", answer);
    assert.equal((await bareLoad.call(0)).length, answer.length);
    for (const load of [oursLoad, bareLoad])
      await measureCallers({ callers, forMs: warmUpMs, call: load.call });
    const wall = await measurePairs({
      rounds,
      ours: () => measureSide(ours, oursLoad, perCpu.ours),
      reference: () => measureSide(bare, bareLoad, perCpu.reference),
    });
    const cpu: Pairs = pairsOf(perCpu.ours, perCpu.reference);
    return { wall, cpu, cpuMsPerCall: 1000 / cpu.ours.median };
  } finally {
    oursLoad.close();
    bareLoad.close();
  }
}

async function measureSide(server: Child, load: Load, perCpu: number[]): Promise<number> {
  const beforeMs = await server.ask<number>("cpuMs");
  const rate = await measureCallers({ callers, forMs, call: load.call });
  const usedMs = (await server.ask<number>("cpuMs")) - beforeMs;
  perCpu.push((rate.calls * 1000) / usedMs);
  return rate.perSecond;
}
