import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, ColoId, GroupId, GroupKey } from "../../../src/core/model/ids.js";
import { groupSpec, placed } from "../../supervisor/asks.js";
import { type Cluster, createCluster, type Node, patient } from "../cluster.js";
import { createRandom, createSeededIds, createVirtualClock } from "../virtual-clock.js";
import { shareLeases } from "./share-leases.js";
import { runOn } from "./stage.js";

/** Two nodes share the colo's groups, and both are creating as fast as the cloud lets them. */

const iad = "iad" as ColoId;
const groups = 8;
const target = 50;
/** B9.1: so long after the switch no node starts a create any more. */
const boundMs = 1_000;
const names = ["node-1", "node-2"];

interface Load {
  readonly cluster: Cluster;
  readonly nodes: readonly Node[];
  /** Each node's own switch file. */
  readonly files: Map<string, string>;
  /** When creates left a node, in order. */
  readonly creates: { readonly node: string; readonly atMs: number }[];
  /** Creates of both nodes that left later than so. */
  after(atMs: number): number;
  run<Value>(work: Promise<Value>): Promise<Value>;
}

const caller = { principal: "operator", signal: patient() };

/** Each node holds half of the leases, as after a life before. */
async function fullLoad(): Promise<Load> {
  const clock = createVirtualClock();
  const cloud = { latencyMs: { fromMs: 300, toMs: 600 }, listingLagMs: 1_000 };
  const cluster = createCluster({
    ...{ clock, ids: createSeededIds(1), random: createRandom(2) },
    balancerIds: createSeededIds(3),
    colos: [{ id: iad, cloud, queue: { concurrency: 8 } }],
  });
  const run = <Value>(work: Promise<Value>) => runOn(clock, work);
  const files = new Map<string, string>();
  const nodes = names.map((name) => {
    const switchFile = { name: `${name}/STOP`, read: async () => files.get(name) };
    return cluster.create(name, { switchFile });
  });
  await run(shareLeases(cluster.store, iad, names));
  await run(Promise.all(nodes.map((one) => one.supervisor.start())));
  const creates: { readonly node: string; readonly atMs: number }[] = [];
  cluster.taps.listen({
    called: (call) => {
      if (call.kind === "create") creates.push({ node: call.node, atMs: clock.nowMs() });
    },
  });
  const spec = groupSpec({ placements: [placed(iad, { max: target })] });
  const checks = { validateOnly: false, allowUnverified: false };
  for (let index = 0; index < groups; index++) {
    const key: GroupKey = { account: `a${index}` as AccountId, group: "web" as GroupId };
    await run(nodes[0]!.supervisor.groups.create({ ...key, spec, target, ...checks }, caller));
  }
  await clock.advance(4_000);
  const after = (atMs: number) => creates.filter((one) => one.atMs > atMs).length;
  const load: Load = { cluster, nodes, files, creates, after, run };
  assertBusy(load);
  return load;
}

/** Both have started creates within the last second, and far more are wanted. */
function assertBusy({ cluster, creates }: Load): void {
  const sinceMs = cluster.clock.nowMs() - 1_000;
  for (const name of names)
    assert.ok(
      creates.some((one) => one.node === name && one.atMs > sinceMs),
      `${name} is idle`,
    );
  assert.ok(countOf(cluster) < (groups * target) / 2, "most is still wanted");
}

const countOf = (cluster: Cluster) => cluster.clouds.get(iad)!.servers().length;

/** Both create again, until all are there, none of them twice. */
async function goesOnToTheEnd({ cluster, creates }: Load): Promise<void> {
  const sinceMs = cluster.clock.nowMs();
  const untilMs = sinceMs + 600_000;
  while (countOf(cluster) < groups * target) {
    assert.ok(cluster.clock.nowMs() < untilMs, `only ${countOf(cluster)} servers`);
    await cluster.clock.advance(1_000);
  }
  for (const name of names)
    assert.ok(creates.some((one) => one.node === name && one.atMs > sinceMs));
  for (const [intention, count] of cluster.clouds.get(iad)!.createsByIntention())
    assert.equal(count, 1, `${intention} was made ${count} times`);
}

test("B9.1 M6.3 two nodes under full load: the switch thrown at one stops both in a second", async () => {
  const load = await fullLoad();
  const { cluster, nodes, after, run } = load;
  const [first, second] = nodes.map((one) => one.supervisor.colos);
  const request = { colo: iad, operations: ["create" as const], reason: "storage is full" };
  const thrownAtMs = cluster.clock.nowMs();
  await run(second!.setBrake(request, caller));
  await cluster.clock.advance(120_000);
  assert.equal(after(thrownAtMs + boundMs), 0, "a create more than a second after the switch");
  const { brakes } = await run(first!.get(iad, caller));
  assert.equal(brakes[0]?.reason, "storage is full", "the other one says so too");
  await run(first!.clearBrake({ colo: iad, operations: [] }, caller));
  await goesOnToTheEnd(load);
});

test("B9.1 M6.3 two nodes under full load: the switch file stops each that has it, store or no store", async () => {
  const load = await fullLoad();
  const { cluster, files, creates, after } = load;
  const [first, second] = names;
  files.set(first!, "");
  const thrownAtMs = cluster.clock.nowMs();
  await cluster.clock.advance(3_000);
  const late = creates.filter((one) => one.atMs > thrownAtMs + boundMs);
  assert.ok(late.length > 0, "the other node has no such file");
  assert.ok(late.every((one) => one.node === second));

  cluster.storeFaults.chance.unavailable = 1; // The file needs none.
  await cluster.clock.advance(300);
  files.set(second!, "{}");
  const bothAtMs = cluster.clock.nowMs();
  await cluster.clock.advance(500);
  cluster.heal();
  await cluster.clock.advance(60_000);
  assert.equal(
    after(bothAtMs + boundMs),
    0,
    "a create more than a second after the file was there",
  );
  files.clear();
  await goesOnToTheEnd(load);
});

test("B9.1 M6.3 two nodes under full load, the store stopped: creates stop within the bound", async () => {
  const load = await fullLoad();
  const { cluster, after } = load;
  const stoppedAtMs = cluster.clock.nowMs();
  cluster.storeFaults.chance.unavailable = 1;
  await cluster.clock.advance(60_000);
  assert.ok(cluster.storeFaults.fired.unavailable > 0);
  assert.equal(after(stoppedAtMs + boundMs), 0, "a create with the store away");
  cluster.heal();
  await goesOnToTheEnd(load);
});

test("B9.1 M6.3 a node that slept through the switch under full load wakes braked", async () => {
  const load = await fullLoad();
  const { cluster, nodes, after, run } = load;
  const [sleeper, other] = nodes;
  sleeper!.wires.freeze();
  const frozenAtMs = cluster.clock.nowMs();
  const request = { colo: iad, operations: ["create" as const], reason: "storage is full" };
  await run(other!.supervisor.colos.setBrake(request, caller));
  await cluster.clock.advance(30_000);
  sleeper!.wires.thaw();
  await cluster.clock.advance(30_000);
  assert.equal(after(frozenAtMs + boundMs), 0, "a create on what it knew before it slept");
  await run(other!.supervisor.colos.clearBrake({ colo: iad, operations: [] }, caller));
  const untilMs = cluster.clock.nowMs() + 600_000;
  while (countOf(cluster) < groups * target) {
    assert.ok(cluster.clock.nowMs() < untilMs, `only ${countOf(cluster)} servers`);
    await cluster.clock.advance(1_000);
  }
});
