import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerId } from "../../src/core/model/ids.js";
import { createDoubts } from "../../src/supervisor/converge/doubts.js";
import { placementPartition } from "../../src/supervisor/placements/placement-state.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";
import { converges, createGroup, inService, rowsOf, setTarget, view, web } from "./asks.js";
import { createWorld, type World } from "./world.js";

async function worldOf(servers: number): Promise<World> {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(30_000);
  return world;
}

const deletes = (world: World) =>
  world.cloud.effects.filter((one) => one.kind === "deleted").length;
const heldFor = async (world: World) => {
  const { conditions } = (await view(world)).placements[0]!;
  return conditions.find((one) => one.type === "held" && one.holds)?.causes[0];
};
const key = { ...web, colo: "iad" as never };

/** What the store had of the placement, and how to put it back behind everybody's back. */
async function backup(world: World) {
  const call = world.caller;
  const loaded = await world.run(world.store.load(placementPartition(key), "all", call));
  return async () => {
    const now = await world.run(world.store.load(placementPartition(key), "all", call));
    const kept = new Set(loaded.rows.map((row) => `${row.kind}/${row.key}`));
    await world.run(
      world.store.commit(
        {
          partition: placementPartition(key),
          expectedRevision: now.revision,
          commitId: `restore-${now.revision}`,
          puts: loaded.rows,
          deletes: now.rows.filter((row) => !kept.has(`${row.kind}/${row.key}`)),
          events: [],
          hints: [],
        },
        call,
      ),
    );
  };
}

test("B9.5 after a start surplus waits until a listing and the ledger agree", async () => {
  const world = await worldOf(4);
  await setTarget(world, 2, "in");
  await world.crash();
  const before = deletes(world);
  // The cloud cannot be asked about a server that the listing lacks: they do not agree.
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 2 });
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  await world.crash();
  await world.clock.advance(120_000);
  assert.ok(short.fired() > 0 && blind.fired() > 0);
  assert.equal(deletes(world), before);
  assert.equal(world.cloud.servers().length, 4);
  world.heal();
  await converges(world, 2);
});

test("B9.5 after the store was away surplus is proven anew before it goes", async () => {
  const world = await worldOf(3);
  world.storeFaults.chance.unavailable = 1;
  await world.clock.advance(5_000);
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 1 });
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  world.storeFaults.chance.unavailable = 0;
  await setTarget(world, 1);
  await world.clock.advance(60_000);
  assert.ok(short.fired() > 0 && blind.fired() > 0);
  assert.equal(deletes(world), 0);
  assert.equal((await heldFor(world))?.code, "QUARANTINE");
  world.heal();
  await converges(world, 1);
});

test("B9.5 a store that is only slow was not away: surplus goes", async () => {
  const world = await worldOf(3);
  world.storeFaults.chance.slow = 1;
  world.storeFaults.slowMs = 900;
  await setTarget(world, 1);
  await world.until("surplus goes", () => world.cloud.servers().length === 1, 120_000);
  assert.ok(world.storeFaults.fired.slow > 20);
});

test("B9.5 a doubt stands until a turn has begun with it; what comes up then is another", async () => {
  const clock = createVirtualClock();
  const doubts = createDoubts(clock);
  doubts.raise(key.colo, "start");
  await clock.advance(5);
  doubts.raise(key.colo, "takeOver");
  const first = doubts.of(key);
  assert.deepEqual(first, { why: "start", sinceMs: clock.nowMs() });
  assert.equal(doubts.sinceMs(key.colo), clock.nowMs());
  doubts.raise(key.colo, "storeLost");
  doubts.settle(key, first);
  assert.equal(doubts.of(key)?.why, "storeLost", "what was proven before it is not enough");
  doubts.settle(key, doubts.of(key)!);
  assert.equal(doubts.of(key), undefined);
});

test("B9.5 M6.2 an old backup restored: nothing is deleted, nothing doubled, until a person confirms", async () => {
  const world = await worldOf(2);
  const restore = await backup(world);
  await setTarget(world, 6);
  await converges(world, 6);
  const fleet = world.cloud.servers().map(({ id }) => id);
  await restore();
  await world.crash();
  await world.until("it is in quarantine", async () => (await heldFor(world)) !== undefined);
  await setTarget(world, 5);
  await world.clock.advance(60_000);
  assert.deepEqual(
    world.cloud.servers().map(({ id }) => id),
    fleet,
    "four unknown servers and two known ones are more than five",
  );
  await setTarget(world, 7);
  await world.until("one more is made", () => world.cloud.servers().length === 7);
  await setTarget(world, 1);
  await world.clock.advance(600_000);
  assert.equal(deletes(world), 0);
  const types = (await world.events()).map((one) => one.type);
  assert.equal(types.filter((type) => type === "group.quarantined").length, 1);
  assert.equal(types.filter((type) => type === "server.orphan").length, 4);
  await world.run(
    world.node().groups.confirmLedger({ key: web, reason: "checked by hand" }, world.caller),
  );
  await world.until("the ledger's surplus goes", async () => (await inService(world)) === 1);
  await world.clock.advance(60_000);
  assert.equal(world.cloud.servers().length, 5, "orphans are left for a person");
  assert.equal((await heldFor(world))?.code, undefined);
});

test("B9.5 a copied tag with a made-up intention proves nothing", async () => {
  const world = await worldOf(2);
  const [one] = world.cloud.servers();
  const ownership = { ...one!.ownership!, server: "zzz" };
  world.cloud.addForeign({ account: "acme", name: "copy", ownership });
  await world.clock.advance(400_000);
  assert.ok((await world.events()).some((event) => event.type === "server.orphan"));
  await setTarget(world, 1);
  await world.until("one goes", () => world.cloud.servers().length === 2);
  assert.equal((await rowsOf(world)).length, 1);
});

test("B9.5 a colo that is put in quarantine by hand deletes nothing until each group is confirmed", async () => {
  const world = await worldOf(3);
  const caller = world.caller;
  const { colos, groups } = world.node();
  await world.run(colos.quarantine({ colo: key.colo, reason: "restored a backup" }, caller));
  await setTarget(world, 1);
  await world.clock.advance(60_000);
  await world.crash();
  await world.clock.advance(60_000);
  assert.equal(deletes(world), 0);
  assert.equal((await heldFor(world))?.facts["reason"], "restored a backup");
  const twice = () => world.node().groups.confirmLedger({ key: web, reason: "fine" }, caller);
  await world.run(twice());
  await world.run(twice());
  await converges(world, 1);
  const told = (await world.events()).filter((one) => one.type === "group.ledger_confirmed");
  assert.equal(told.length, 1);
  assert.equal(told[0]?.principal, "tester");
  assert.ok(groups);
});

test("B9.5 what is made while in quarantine and fails is cleaned up all the same", async () => {
  const world = await worldOf(1);
  await world.run(
    world.node().colos.quarantine({ colo: key.colo, reason: "by hand" }, world.caller),
  );
  const broken = world.cloud.inject({ kind: "buildError", text: "no host" }, { timesMax: 1 });
  await setTarget(world, 2);
  await world.until("it failed", () => broken.fired() === 1);
  await converges(world, 2, 200_000);
  assert.equal(deletes(world), 1);
  const ids = (await rowsOf(world)).map((row): ServerId => row.id);
  assert.equal(new Set(ids).size, 2);
});

test("B9.5 quarantine holds deletes that are asked for already, whichever node is told of it", async () => {
  const world = await worldOf(3);
  const second = await world.join("node-2");
  await world.clock.advance(5_000);
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 6_000 });
  await setTarget(world, 0);
  await world.until("they are being deleted", async () =>
    (await rowsOf(world)).every(({ state }) => state === "deleting"),
  );
  await world.until("they are looked at", () => slow.fired() >= 1);
  await world.run(
    second.supervisor.colos.quarantine({ colo: key.colo, reason: "restored" }, world.caller),
  );
  await world.clock.advance(1_500);
  assert.equal(deletes(world), 0, "none was deleted before the quarantine");
  await world.clock.advance(120_000);
  assert.equal(deletes(world), 0);
  assert.equal((await heldFor(world))?.code, "QUARANTINE", "the node at work says so");
  world.heal();
  await world.run(
    world.node().groups.confirmLedger({ key: web, reason: "checked by hand" }, world.caller),
  );
  await converges(world, 0);
});
