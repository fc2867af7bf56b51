import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
import { converges, createGroup, firstServer, groupSpec, placed, setTarget, web } from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
const balanced = groupSpec({ placements: [placed("iad", { attachments, max: 40 })] });

async function worldAt(servers: number, spec = balanced, colos = ["iad"]): Promise<World> {
  const world = await createWorld({ colos });
  await createGroup(world, spec);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(seconds(30));
  return world;
}

const plan = (world: World, target?: number) =>
  world.run(
    world
      .node()
      .groups.plan({ key: web, ...(target === undefined ? {} : { target }) }, world.caller),
  );

/** All that a change would leave behind: in the store, the clouds and the load balancers. */
async function traces(world: World) {
  const { store, caller } = world;
  const partitions = [
    { scope: "placement", key: "acme/web/iad" },
    { scope: "placement", key: "acme/web/dfw" },
    { scope: "group", key: "acme/web" },
    { scope: "colo", key: "iad" },
  ] as const;
  const loads = partitions.map((one) => store.load(one, "all", caller));
  const loaded = await world.run(Promise.all(loads));
  const clouds = [...world.clouds.values()];
  return {
    revisions: loaded.map((one) => [one.revision, one.lastSequence]),
    feed: await world.run(store.feedHead(caller)),
    calls: clouds.map((cloud) => [cloud.calls.length, cloud.effects.length]),
    servers: clouds.map((cloud) => cloud.servers()),
    members: world.balancers.members(lb),
  };
}

const kinds = (actions: readonly { readonly kind: string; readonly count: number }[]) => {
  const counts: Record<string, number> = {};
  for (const { kind, count } of actions) counts[kind] = (counts[kind] ?? 0) + count;
  return counts;
};

test("B9.1 a dry run with plenty to do leaves no trace; what it foretells is then done", async () => {
  const world = await worldAt(3);
  const before = await traces(world);
  const [out] = (await plan(world, 13)).placements;
  assert.deepEqual(kinds(out!.actions), { create: 10 });
  assert.equal(out!.actions[0]?.causes[0]?.code, "SHORTAGE");
  const [down] = (await plan(world, 1)).placements;
  assert.equal(kinds(down!.actions)["drain"], 2);
  const [same] = (await plan(world)).placements;
  assert.deepEqual([same!.target, same!.actions, same!.waits], [3, [], []]);
  for (let round = 0; round < 30; round++) await plan(world, round);
  await world.clock.advance(seconds(10));
  assert.deepEqual(await traces(world), before, "thirty dry runs, and nothing moved");
  const { eventId } = await setTarget(world, 13);
  await converges(world, 13);
  const intended = (await world.events()).filter((one) => {
    return one.type === "server.intended" && one.parent === eventId;
  });
  assert.equal(intended.length, 10, "as it was foretold");
});

test("B9.1 a dry run says what stops it, and what a braked group waits for", async () => {
  const world = await worldAt(2);
  const operations = ["create", "delete", "loadBalancer"] as const;
  const colo = "iad" as ColoId;
  await world.run(
    world.node().colos.setBrake({ colo, operations: [...operations], reason: "ill" }, world.caller),
  );
  const doomed = await firstServer(world);
  world.cloud.vanish(world.cloud.servers().find((one) => one.ownership?.server === doomed)!.id);
  await setTarget(world, 9);
  await world.clock.advance(seconds(60));
  const before = await traces(world);
  const [braked] = (await plan(world)).placements;
  for (let round = 0; round < 10; round++) await plan(world, 20);
  const after = await traces(world);
  assert.deepEqual(
    [after.calls, after.servers, after.members],
    [before.calls, before.servers, before.members],
  );
  assert.deepEqual(
    braked!.stopped.map((one) => [one.operation, one.cause.rule]),
    operations.map((one) => [one, "B9.1"]),
  );
  assert.deepEqual(kinds(braked!.actions)["create"], undefined);
  const wait = braked!.waits.find((one) => one.cause.code === "BRAKED");
  assert.match(String(wait?.cause.facts["reason"]), /ill/);
  assert.ok(braked!.nextLookAtMs! > world.clock.nowMs() - seconds(1));
});

test("B11.1 a what-if is answered by the rules that answer the real one, over all colos", async () => {
  const placements = [placed("iad", { max: 4 }), placed("dfw", { max: 4 })];
  const world = await worldAt(2, groupSpec({ placements }), ["iad", "dfw"]);
  const { receipt, placements: plans } = await plan(world, 30);
  assert.equal(receipt?.outcome, "applied");
  assert.equal(receipt?.newTarget, 8);
  assert.ok(receipt?.causes.some((one) => one.code === "CLAMPED_TO_MAX"));
  assert.deepEqual(
    plans.map((one) => [one.colo, one.target, kinds(one.actions)["create"]]),
    [
      ["iad", 4, 3],
      ["dfw", 4, 3],
    ],
  );
  await world.run(world.node().groups.pause(web, "moving", world.caller));
  await world.clock.advance(seconds(2));
  const paused = await plan(world, 6);
  assert.equal(paused.receipt?.outcome, "refused");
  assert.deepEqual(
    paused.placements.map((one) => one.actions),
    [[], []],
  );
  assert.ok(paused.placements.every((one) => one.stopped[0]?.cause.code === "PAUSED"));
});

test("B4.3 a dry run looks up what the listing lacks, like the turn that it foretells", async () => {
  const world = await worldAt(3);
  const doomed = await firstServer(world);
  world.cloud.vanish(world.cloud.servers().find((one) => one.ownership?.server === doomed)!.id);
  const [lost] = (await plan(world)).placements;
  const gone = lost!.actions.filter((one) => one.server === doomed);
  assert.ok(gone.length > 0, "it tells of the loss before any turn has seen it");
  assert.equal(kinds(lost!.actions)["create"], 1);
});
