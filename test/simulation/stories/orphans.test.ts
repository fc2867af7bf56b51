import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertNothingTwice,
  cloudCount,
  converges,
  inService,
  rowsOf,
  setTarget,
  web,
} from "../../supervisor/asks.js";
import { changesBy, conditionOf, keepAsking, minutes, seconds, storyAt, witness } from "./story.js";

test("B9.5 B9.6 MCM #657: a restart while the cloud's API is away judges no server an orphan", async () => {
  const world = await storyAt(80);
  const seen = witness(world);
  const away = world.cloud.inject({
    ...{ kind: "refuse", with: "temporary" },
    on: ["create", "delete", "get", "list", "find"],
  });
  await world.crash();
  await keepAsking(world, 10, minutes(1));
  // It comes back piece by piece: listings first, then the rest.
  away.off();
  const half = world.cloud.inject({ kind: "refuse", on: ["get", "find"], with: "temporary" });
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 30 });
  await world.crash();
  await keepAsking(world, 10, minutes(1));
  assert.ok(away.fired() > 0 && half.fired() > 0 && short.fired() > 0);
  seen.assertUntouched();
  world.heal();
  await keepAsking(world, 3, minutes(1));
  seen.assertUntouched();
  assert.equal(await inService(world), 80);
  const orphans = (await world.events()).filter((one) => one.type === "server.orphan");
  assert.deepEqual(orphans, []);
});

test("B9.5 MCM #657: a restart while the store is away deletes nothing that it cannot look up", async () => {
  const world = await storyAt(80);
  const seen = witness(world);
  await world.crash();
  world.storeFaults.chance.unavailable = 1;
  await world.clock.advance(minutes(30));
  world.storeFaults.chance.unavailable = 0.5;
  await world.clock.advance(minutes(10));
  assert.ok(world.storeFaults.fired.unavailable > 100);
  seen.assertUntouched();
  world.heal();
  await keepAsking(world, 3, minutes(1));
  seen.assertUntouched();
  assert.equal(await inService(world), 80);
});

test("B9.5 MCM #718: a node cut off from the store leaves what its successor does alone", async () => {
  const world = await storyAt(40);
  const cutOff = world.nodeStoreWires();
  const second = await world.join("node-2");
  // A scale-out of the old node is in full swing when it loses the store, but not the cloud.
  await setTarget(world, 50);
  await world.clock.advance(seconds(1));
  cutOff.freeze();
  await world.clock.advance(minutes(1));
  const ask = { kind: "target", target: 60 } as const;
  const asked = { key: web, source: "manual", ask } as const;
  await world.run(second.supervisor.scaling.submit(asked, world.caller));
  const counts = async () => {
    const { placements } = await world.run(second.supervisor.groups.get(web, world.caller));
    return placements[0]!;
  };
  await world.until("60 in service", async () => (await counts()).inService === 60);
  const seen = witness(world);
  await world.clock.advance(minutes(65)); // Its orphan collection came every twenty minutes.
  assert.ok(cutOff.heldUp() > 0, "the old node waits for the store");
  assert.equal(seen.deletes() + seen.creates(), 0);
  cutOff.thaw();
  await world.clock.advance(minutes(10));
  assert.equal(seen.deletes() + seen.creates(), 0);
  assert.equal(cloudCount(world), 60);
  assertNothingTwice(world);
});

test("B9.5 MCM #718: a node that was stopped for an hour wakes up and deletes nothing", async () => {
  const world = await storyAt(30);
  const old = world.nodeWires();
  const second = await world.join("node-2");
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 3_000 });
  await setTarget(world, 20);
  await world.clock.advance(seconds(1));
  old.freeze(); // Ten deletes have been looked at and not begun.
  assert.equal(slow.fired(), 10);
  slow.off();
  await world.clock.advance(minutes(1));
  const ask = { kind: "target", target: 45 } as const;
  const asked = { key: web, source: "manual", ask } as const;
  await world.run(second.supervisor.scaling.submit(asked, world.caller));
  await world.clock.advance(minutes(60));
  const { placements } = await world.run(second.supervisor.groups.get(web, world.caller));
  assert.equal(placements[0]?.inService, 45);
  assert.ok(old.heldUp() > 0);
  const changes = changesBy(world, "node-1");
  old.thaw();
  await world.clock.advance(minutes(5));
  assert.equal(changes(), 0, "what it was about to do is another node's now");
  await converges(world, 45);
});

test("B9.5 B9.6 a customer's servers with copied tags are never touched", async () => {
  const world = await storyAt(30);
  const rows = await rowsOf(world);
  const tags = new Map(world.cloud.servers().map((one) => [one.id, one.ownership!]));
  const copies = rows.slice(0, 5).map(({ cloudId }) =>
    world.cloud.addForeign({
      ...{ account: "acme", name: "a copy" },
      ownership: tags.get(cloudId!)!,
    }),
  );
  await keepAsking(world, 3, minutes(1));
  // Of some, ours goes away by itself, and of others we scale in: the copy inherits nothing.
  world.cloud.vanish(rows[0]!.cloudId!);
  world.cloud.vanish(rows[1]!.cloudId!);
  await keepAsking(world, 3, minutes(1));
  await setTarget(world, 10);
  await keepAsking(world, 5, minutes(1));
  await world.crash();
  await setTarget(world, 0);
  await keepAsking(world, 10, minutes(1));
  assert.deepEqual(
    world.cloud.servers().map((one) => one.id),
    copies,
  );
  const touched = world.cloud.calls.filter((one) => copies.includes(one.subject as never));
  assert.deepEqual(touched, []);
  const reported = (await world.events()).filter((one) => one.type === "server.orphan");
  assert.ok(reported.length >= copies.length, "each is reported to a person");
});

test("B4.5 B9.6 a copy made while our create's answer is lost does not take our server's place", async () => {
  const world = await storyAt(3);
  const lost = world.cloud.inject({ kind: "answerLost", on: "create", hang: true });
  await setTarget(world, 6);
  await world.until("they are made", () => cloudCount(world) === 6);
  const ours = world.cloud.servers().slice(3);
  await world.clock.advance(500);
  const copies = ours.map(({ ownership }) =>
    world.cloud.addForeign({ account: "acme", name: "a copy", ownership: ownership! }),
  );
  assert.equal(lost.fired(), 3);
  await world.until("six in service", async () => (await inService(world)) === 6);
  const bound = (await rowsOf(world)).map((row) => row.cloudId);
  for (const { id } of ours) assert.ok(bound.includes(id), `${id} is ours`);
  world.heal();
  await setTarget(world, 0);
  await world.until("ours are gone", async () => (await rowsOf(world)).length === 0);
  assert.deepEqual(
    world.cloud.servers().map((one) => one.id),
    copies,
  );
});

test("B4.5 B9.6 a customer's older server with our copied tags is not taken for a lost answer's", async () => {
  const world = await storyAt(3);
  const older = ["one", "two", "three"].map((name) =>
    world.cloud.addForeign({ account: "acme", name }),
  );
  await world.clock.advance(minutes(30));
  const lost = world.cloud.inject({ kind: "answerLost", on: "create", hang: true });
  await setTarget(world, 6);
  await world.until("they are made", () => cloudCount(world) === 9);
  const ours = world.cloud.servers().slice(6);
  for (const [index, id] of older.entries()) world.cloud.setTags(id, ours[index]!.ownership);
  assert.equal(lost.fired(), 3);
  await world.until("six in service", async () => (await inService(world)) === 6);
  const bound = (await rowsOf(world)).map((row) => row.cloudId);
  for (const id of older) assert.ok(!bound.includes(id), `${id} is the customer's`);
  world.heal();
  await setTarget(world, 0);
  await world.until("ours are gone", async () => (await rowsOf(world)).length === 0);
  assert.deepEqual(
    world.cloud.servers().map((one) => one.id),
    older,
  );
});

test("B9.5 a server whose tags somebody changed is not deleted, though the ledger says so", async () => {
  const world = await storyAt(10);
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 2_000 });
  await setTarget(world, 4);
  await world.clock.advance(seconds(1));
  assert.equal(slow.fired(), 6, "six are looked at, right before their deletes");
  const taken = (await rowsOf(world)).filter((row) => row.state === "deleting").slice(0, 3);
  for (const { cloudId } of taken) {
    const { ownership } = world.cloud.server(cloudId!)!;
    world.cloud.setTags(cloudId!, { ...ownership!, installation: "another" });
  }
  await world.clock.advance(minutes(5));
  const left = world.cloud.servers().map((one) => one.id);
  for (const { cloudId } of taken) assert.ok(left.includes(cloudId!), `${cloudId} was left alone`);
  assert.equal(left.length, 7);
  assert.equal((await conditionOf(world, "degraded"))?.holds, true);
});
