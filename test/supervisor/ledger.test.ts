import assert from "node:assert/strict";
import { test } from "node:test";
import type { CloudServerId } from "../../src/core/model/ids.js";
import { converges, createGroup, inService, rowsOf, setTarget, view, web } from "./asks.js";
import { createWorld, type World } from "./world.js";

/** Ledger and tags: either side can rebuild the other (M3.2). */

async function worldOf(servers: number): Promise<World> {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(30_000);
  return world;
}

const converge = (world: World) => world.run(world.node().groups.converge(web, world.caller));
const tagsOf = (world: World, id: CloudServerId) =>
  world.cloud.servers().find((one) => one.id === id)?.ownership;
const typesOf = async (world: World, type: string) =>
  (await world.events()).filter((one) => one.type === type);
const deletes = (world: World) => world.cloud.calls.filter((one) => one.operation === "delete");

test("M3.2 M6.1 lost and damaged tags are put right from the ledger", async () => {
  const world = await worldOf(3);
  const [one, two] = world.cloud.servers();
  const before = [one!.ownership!, two!.ownership!];
  world.cloud.setTags(one!.id, undefined);
  world.cloud.setTags(two!.id, { ...two!.ownership!, server: "garbled", launchRevision: 77 });
  await converge(world);
  await world.until("the tags are back", () => {
    const now = [tagsOf(world, one!.id), tagsOf(world, two!.id)];
    return JSON.stringify(now) === JSON.stringify(before);
  });
  await converges(world, 3);
  assert.equal((await typesOf(world, "server.tags_wrong")).length, 2);
  assert.equal((await typesOf(world, "server.tagged")).length, 2);
  await world.until("no row has a mark", async () =>
    (await rowsOf(world)).every((row) => row.tags === undefined),
  );
  assert.equal(deletes(world).length, 0);
  assert.equal(world.cloud.effects.filter((effect) => effect.kind === "created").length, 3);
});

test("M3.2 a cloud that refuses to tag is asked again later, through crashes", async () => {
  const world = await worldOf(2);
  const [one] = world.cloud.servers();
  world.cloud.setTags(one!.id, undefined);
  const denied = world.cloud.inject({ kind: "refuse", on: ["tag"], with: "denied" });
  await converge(world);
  await world.clock.advance(50_000);
  assert.equal(denied.fired(), 1, "what only a person can change is tried again rarely");
  await world.crash();
  await world.clock.advance(20_000);
  assert.ok(denied.fired() >= 2);
  assert.equal(await inService(world), 2);
  world.heal();
  await world.until("the tags are back", () => tagsOf(world, one!.id) !== undefined, 100_000);
  await converges(world, 2);
});

for (const [name, change] of Object.entries({
  installation: { installation: "theirs" },
  account: { account: "globex" },
  group: { group: "other" },
}))
  test(`B9.5 M6.2 tags that name another ${name} are left for a person, and nothing is deleted`, async () => {
    const world = await worldOf(3);
    const [one] = world.cloud.servers();
    const theirs = { ...one!.ownership!, ...change };
    world.cloud.setTags(one!.id, theirs);
    await converge(world);
    const degraded = async () =>
      (await view(world)).placements[0]?.conditions.find((one) => one.type === "degraded");
    await world.until("it is told", async () => (await degraded())?.holds === true);
    assert.equal((await degraded())?.causes[0]?.code, "TAGS_FOREIGN");
    await setTarget(world, 0);
    await world.clock.advance(600_000);
    assert.deepEqual(tagsOf(world, one!.id), theirs);
    assert.equal((await typesOf(world, "server.tags_wrong")).length, 1, "told once");
    assert.deepEqual(
      world.cloud.servers().map(({ id }) => id),
      [one!.id],
      "ours are gone, theirs is not",
    );
    assert.ok(!deletes(world).some((call) => call.subject === one!.id));
  });

test("B9.5 a server whose tags were taken while it was leaving is not deleted", async () => {
  const world = await worldOf(2);
  const stuck = world.cloud.inject({ kind: "refuse", on: ["delete"], with: "conflict" });
  await setTarget(world, 1);
  await world.until("a delete was asked for", () => stuck.fired() > 0);
  const [leaving] = (await rowsOf(world)).filter((row) => row.state === "deleting");
  world.cloud.setTags(leaving!.cloudId!, undefined);
  world.heal();
  const before = deletes(world).length;
  await world.clock.advance(600_000);
  assert.equal(deletes(world).length, before);
  assert.equal(tagsOf(world, leaving!.cloudId!), undefined);
  assert.equal((await typesOf(world, "server.tags_wrong")).length, 1);
  const { conditions } = (await view(world)).placements[0]!;
  assert.ok(conditions.some((one) => one.holds && one.causes[0]?.code === "TAGS_FOREIGN"));
  assert.ok(world.cloud.servers().some(({ id }) => id === leaving!.cloudId));
});
