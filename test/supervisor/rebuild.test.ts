import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import { placementPartition } from "../../src/supervisor/placements/placement-state.js";
import {
  assertKept,
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

/** The other half of "either can rebuild the other": a lost ledger comes back from tags. */

const key = { ...web, colo: "iad" as never };
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
const attached = (change = {}) =>
  groupSpec({ placements: [placed("iad", { attachments, ...change })] });

const rebuild = (world: World) => world.run(world.node().servers.rebuild(web, world.caller));
const confirm = (world: World) =>
  world.run(world.node().groups.confirmLedger({ key: web, reason: "compared" }, world.caller));
const orphans = (world: World) =>
  world.run(world.node().servers.orphans(web.account, world.caller));
const effects = (world: World) => world.cloud.effects.length;
const types = async (world: World, type: string) =>
  (await world.events()).filter((one) => one.type === type).length;

/** All that the store has of the placement is written away, and the nodes start anew. */
async function lose(world: World): Promise<void> {
  const partition = placementPartition(key);
  const { rows, revision } = await world.run(world.store.load(partition, "all", world.caller));
  assert.ok(rows.length > 1);
  const lost = { partition, expectedRevision: revision, commitId: `lost-${revision}` };
  const nothing = { puts: [], deletes: rows, events: [], hints: [] };
  await world.run(world.store.commit({ ...lost, ...nothing }, world.caller));
  await world.crash();
}

async function worldOf(servers: number, spec = attached()): Promise<World> {
  const world = await createWorld();
  await createGroup(world, spec);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(30_000);
  return world;
}

test("M6.2 M6.1 B9.5 a lost ledger is rebuilt from tags: nothing is made, removed or restarted", async () => {
  const world = await worldOf(20, attached({ min: 20 }));
  const before = (await rowsOf(world)).map(({ id, cloudId }) => `${id} ${cloudId}`).toSorted();
  const members = world.balancers.members(lb).length;
  assert.equal(members, 20);
  const acts = effects(world);
  await lose(world);
  await world.clock.advance(1_800_000);
  assert.equal(effects(world), acts, "unknown servers count as what was asked for");
  assert.equal((await rowsOf(world)).length, 0);
  assert.equal((await orphans(world)).length, 20);

  const { adopted, left } = await rebuild(world);
  assert.deepEqual([adopted.length, left], [20, []]);
  assert.equal(await targetOf(world), 20);
  await world.until("20 in service again", async () => (await inService(world)) === 20);
  const now = (await rowsOf(world)).map(({ id, cloudId }) => `${id} ${cloudId}`).toSorted();
  assert.deepEqual(now, before);
  assert.equal((await orphans(world)).length, 0);
  assert.equal(world.balancers.members(lb).length, members);
  assert.deepEqual(await rebuild(world), { adopted: [], left: [] }, "twice is once");
  assert.equal(await types(world, "ledger.rebuilt"), 1);
  assert.equal(await types(world, "server.adopted"), 20);
  assert.equal(effects(world), acts);
  await assertKept(world);
});

test("B9.5 a rebuilt ledger removes nothing until it is confirmed, and then scales in", async () => {
  const world = await worldOf(6);
  await lose(world);
  await world.clock.advance(60_000);
  await rebuild(world);
  assert.equal(await targetOf(world), 6, "raised to what was found");
  await world.until("in service again", async () => (await inService(world)) === 6);
  await setTarget(world, 2);
  const acts = effects(world);
  await world.clock.advance(600_000);
  assert.equal(effects(world), acts);
  const { conditions } = (await view(world)).placements[0]!;
  assert.ok(conditions.some((one) => one.holds && one.causes[0]?.code === "QUARANTINE"));
  await confirm(world);
  await converges(world, 2);
  assert.deepEqual((await rebuild(world)).adopted, []);
  await setTarget(world, 0);
  await converges(world, 0);
  await assertKept(world);
});

test("M6.2 B9.5 while a lost ledger's servers cannot be looked up, nothing is made in their place", async () => {
  const world = await worldOf(5, attached({ min: 5 }));
  const acts = effects(world);
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  await lose(world);
  await world.clock.advance(600_000);
  assert.ok(blind.fired() > 0);
  assert.equal(effects(world), acts);
  const { adopted, left } = await rebuild(world);
  assert.equal(adopted.length, 0);
  assert.deepEqual(new Set(left.map(({ why }) => why)), new Set(["notAnswered"]));
  world.heal();
  await world.until("rebuilt", async () => {
    await rebuild(world);
    return (await rowsOf(world)).length === 5;
  });
  await converges(world, 5);
});

test("B8.1 M6.2 a rebuild says what it left alone, and why", async () => {
  const world = await worldOf(4);
  const other = { ...web, group: "other" as typeof web.group };
  await createGroup(world, groupSpec(), other);
  const [one, two, three] = world.cloud.servers();
  await lose(world);
  await world.clock.advance(60_000);
  const copy = world.cloud.addForeign({
    ...{ account: "acme", name: "copy" },
    ownership: one!.ownership!,
  });
  const { id: adoptedElsewhere } = two!;
  const asked = { key: other, colo: key.colo, cloudId: adoptedElsewhere, keepTarget: false };
  const elsewhere = await world.run(world.node().servers.adopt(asked, world.caller));
  assert.ok(elsewhere.row.id);
  await world.until("reported", async () => (await orphans(world)).length >= 4, 600_000);
  world.cloud.setTags(two!.id, two!.ownership);
  world.cloud.vanish(three!.id);
  const { adopted, left } = await rebuild(world);
  assert.equal(adopted.length, 2);
  const why = new Map(left.map((each) => [each.cloudId, each.why]));
  assert.equal(why.get(copy), "copiedTag");
  assert.equal(why.get(adoptedElsewhere), "boundElsewhere");
  assert.equal(why.get(three!.id), "gone");
  assert.equal(await targetOf(world), 2);
});

test("B1.6 a rebuild raises the target to the maximum at most, and never lowers it", async () => {
  const world = await worldOf(6, attached({ max: 6 }));
  await lose(world);
  const { launch, ...rest } = attached({ max: 4 });
  await world.run(
    world.node().groups.update(
      {
        ...{ key: web, validateOnly: false, allowUnverified: false },
        change: () => ({ ...rest, launch }),
      },
      world.caller,
    ),
  );
  assert.equal((await rebuild(world)).adopted.length, 6);
  assert.equal(await targetOf(world), 4);
  await world.clock.advance(600_000);
  assert.equal(world.cloud.servers().length, 6, "too many, and a person decides");
  await confirm(world);
  await converges(world, 4);
  await setTarget(world, 3);
  await converges(world, 3);
});

test("B9.5 a rebuild without a listing or a group changes nothing", async () => {
  const world = await worldOf(3);
  await lose(world);
  await world.clock.advance(60_000);
  const cut = world.cloud.inject({ kind: "refuse", on: ["list"], with: "temporary" });
  await assert.rejects(rebuild(world), (error) => isFault(error, "CLOUD_UNAVAILABLE"));
  assert.ok(cut.fired() > 0);
  const none = { ...web, group: "none" as typeof web.group };
  await assert.rejects(world.run(world.node().servers.rebuild(none, world.caller)), (error) =>
    isFault(error, "GROUP_NOT_FOUND"),
  );
  assert.equal((await rowsOf(world)).length, 0);
});

test("B9.6 a rebuild leaves alone what a person ordered to be deleted", async () => {
  const world = await worldOf(3);
  await lose(world);
  await world.until("reported", async () => (await orphans(world)).length === 3, 600_000);
  const stuck = world.cloud.inject({ kind: "refuse", on: ["delete"], with: "conflict" });
  const { cloudId } = (await orphans(world))[0]!.orphan;
  const order = { account: web.account, colo: key.colo, cloudId };
  await world.run(
    world
      .node()
      .servers.deleteOrphan(order, world.caller)
      .catch(() => undefined),
  );
  const { adopted, left } = await rebuild(world);
  assert.deepEqual([adopted.length, left.map(({ why }) => why)], [2, ["deleteOrdered"]]);
  assert.ok(stuck.fired() > 0);
  world.heal();
  await world.until("it is gone", () => world.cloud.servers().length === 2, 600_000);
});
