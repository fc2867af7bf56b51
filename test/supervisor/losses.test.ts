import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import {
  assertNothingTwice,
  converges,
  createGroup,
  inService,
  rowsOf,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, type World, type WorldOptions } from "./world.js";

const minutes = (count: number) => count * 60_000;
const quick: NonNullable<WorldOptions["cloud"]> = {
  ...{ listingLagMs: 2_000, createDeadlineMs: 5_000 },
  buildMs: { fromMs: 2_000, toMs: 4_000 },
};

async function worldAt(servers: number, cloud = quick): Promise<World> {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

const condition = async (world: World, type: string) =>
  (await view(world)).placements[0]?.conditions.find((one) => one.type === type);
const converge = (world: World) => world.run(world.node().groups.converge(web, world.caller));
const acknowledge = (world: World, reason = "seen") =>
  world.run(world.node().groups.acknowledgeHold(web, reason, world.caller));
const deletes = (world: World) => [
  ...new Set(
    world.cloud.calls.filter((one) => one.operation === "delete").map((one) => one.subject),
  ),
];
const ids = (world: World, count: number) =>
  world.cloud
    .servers()
    .slice(0, count)
    .map((one) => one.id);
const asked = async (world: World) =>
  (await world.events()).filter((one) => one.type === "group.held").length;

test("B9.2 a host failure that takes 30 % for certain is repaired, at the ramp", async () => {
  const world = await worldAt(30);
  for (const id of ids(world, 9)) world.cloud.setStatus(id, "ERROR", "host down");
  await converge(world);
  await world.clock.advance(30_000);
  assert.equal(deletes(world).length, 3, "10 % in the first minute");
  const degraded = await condition(world, "degraded");
  assert.equal(degraded?.causes[0]?.code, "LOSSES_RAMPED");
  assert.equal((await condition(world, "held"))?.holds, false);
  assert.equal((await condition(world, "healthy"))?.holds, false);
  await converges(world, 30, minutes(4));
  await world.until("healthy", async () => (await condition(world, "healthy"))?.holds === true);
  assertNothingTwice(world);
});

test("B4.3 B9.2 half of a group vanishes: replaced at the ramp, with few questions", async () => {
  const world = await worldAt(20);
  for (const id of ids(world, 10)) world.cloud.vanish(id);
  await converge(world);
  await world.clock.advance(30_000);
  assert.ok(world.cloud.servers().length <= 10 + 2, "10 % a minute");
  await converges(world, 20, minutes(8));
  const lost = (await world.events()).filter((one) => one.type === "server.lost");
  assert.equal(lost.length, 10);
});

test("B9.2 ERROR that the cloud does not confirm is held when it is much, and people are asked", async () => {
  const world = await worldAt(10);
  const bad = ids(world, 5);
  for (const id of bad) world.cloud.setStatus(id, "ERROR", "host down");
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  const callsBefore = world.cloud.calls.length;
  await converge(world);
  await world.clock.advance(minutes(2));
  assert.ok(blind.fired() > 0);
  assert.equal(world.cloud.calls.length, callsBefore, "nothing is created or deleted");
  const held = await condition(world, "held");
  assert.equal(held?.holds, true);
  assert.deepEqual(held?.causes[0]?.facts, { suspected: 5, known: 10, most: 3 });
  assert.equal(await asked(world), 1);
  await world.clock.advance(minutes(30));
  assert.equal(await asked(world), 3, "asked again every 15 minutes");
  await world.crash();
  await world.clock.advance(minutes(2));
  assert.equal(await asked(world), 3, "a restart asks nobody");
  for (const id of bad) world.cloud.setStatus(id, "ACTIVE");
  blind.off();
  await converge(world);
  await world.until("not held", async () => (await condition(world, "held"))?.holds === false);
  await converges(world, 10, minutes(2));
  assert.equal(await inService(world), 10);
});

test("B9.2 acknowledged, replacement goes on for 15 minutes", async () => {
  const world = await worldAt(10);
  await assert.rejects(acknowledge(world), (error) => isFault(error, "NOTHING_HELD"));
  for (const id of ids(world, 5)) world.cloud.setStatus(id, "ERROR");
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "unknown" });
  await converge(world);
  await world.until("held", async () => (await condition(world, "held"))?.holds === true);
  assert.ok(blind.fired() > 0);
  await acknowledge(world, "the rack is gone");
  await world.until("some leave", async () => (await rowsOf(world)).some((row) => row.leaving));
  const told = (await world.events()).find((one) => one.type === "group.acknowledged");
  assert.deepEqual([told?.principal, told?.facts["reason"]], ["tester", "the rack is gone"]);
  blind.off();
  await converges(world, 10, minutes(10));
});

for (const count of [1, 3])
  test(`B9.7 a cloud without projects that denies all of an account's ${count} is held`, async () => {
    const world = await worldAt(count, { ...quick, hasProjects: false });
    const rotated = world.cloud.inject({ kind: "otherProject" });
    const effects = world.cloud.effects.length;
    await converge(world);
    await world.clock.advance(minutes(20));
    assert.ok(rotated.fired() > 2);
    assert.equal(world.cloud.effects.length, effects);
    assert.equal((await rowsOf(world)).length, count);
    assert.equal((await condition(world, "held"))?.causes[0]?.code, "ACCOUNT_MISSING");
    world.heal();
    await converge(world);
    await converges(world, count, minutes(2));
    assert.equal(world.cloud.effects.length, effects, "they came back, and nothing had to be made");
  });

test("B9.7 without projects: all gone for certain are replaced once a person says so", async () => {
  const world = await worldAt(2, { ...quick, hasProjects: false });
  for (const id of ids(world, 2)) world.cloud.vanish(id);
  await converge(world);
  await world.until("held", async () => (await condition(world, "held"))?.holds === true);
  await world.clock.advance(minutes(2));
  assert.equal(world.cloud.servers().length, 0);
  await acknowledge(world);
  await world.until("made anew", () => world.cloud.servers().length === 2);
  await world.clock.advance(minutes(1));
  await converges(world, 2, minutes(5));
});
