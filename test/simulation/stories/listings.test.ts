import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertNeverMoreThan,
  assertNothingTwice,
  cloudCount,
  converges,
  inService,
  rowsOf,
  setTarget,
} from "../../supervisor/asks.js";
import { conditionOf, keepAsking, minutes, seconds, storyAt, witness } from "./story.js";

for (const [serversMax, servers] of [
  [0, 200],
  [1, 20],
  [19, 20],
  [100, 120],
] as const)
  test(`B4.3 a listing cut off after ${serversMax} of ${servers} servers makes none again`, async () => {
    const world = await storyAt(servers);
    const seen = witness(world);
    const cut = world.cloud.inject({ kind: "listTruncated", serversMax });
    await keepAsking(world, 10, minutes(1));
    await world.crash();
    await keepAsking(world, 5, minutes(1));
    assert.ok(cut.fired() > 10);
    seen.assertUntouched();
    assert.equal(await inService(world), servers);
    await setTarget(world, servers + 10);
    await setTarget(world, servers - 10);
    await keepAsking(world, 5, minutes(1));
    world.heal();
    await converges(world, servers - 10);
    assertNothingTwice(world);
    assertNeverMoreThan(world, servers + 10);
  });

test("B4.3 a listing cut off while servers really went: those alone are made again", async () => {
  const world = await storyAt(60);
  const seen = witness(world);
  const cut = world.cloud.inject({ kind: "listTruncated", serversMax: 20 });
  const gone = (await rowsOf(world)).slice(-2);
  for (const { cloudId } of gone) world.cloud.vanish(cloudId!);
  await keepAsking(world, 10, minutes(1));
  assert.ok(cut.fired() > 5);
  assert.equal(seen.created(), 2);
  assert.equal(seen.deleted().length, 0);
  assert.equal(cloudCount(world), 60);
});

test("B4.3 a few are not listed and cannot be looked up either: they are not gone", async () => {
  const world = await storyAt(12);
  const seen = witness(world);
  const cut = world.cloud.inject({ kind: "listTruncated", serversMax: 10 });
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  await keepAsking(world, 4, seconds(20));
  assert.ok(cut.fired() > 0 && blind.fired() > 0);
  seen.assertUntouched();
  assert.equal(await inService(world), 12);
});

test("B4.3 a listing cut off and look-ups that fail: nothing is concluded, and it shows", async () => {
  const world = await storyAt(50);
  const seen = witness(world);
  const cut = world.cloud.inject({ kind: "listTruncated", serversMax: 5 });
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "throttled" });
  await keepAsking(world, 20, seconds(45));
  assert.ok(cut.fired() > 0 && blind.fired() > 0);
  seen.assertUntouched();
  const degraded = await conditionOf(world, "degraded");
  assert.ok(degraded?.causes.some((one) => one.code === "LISTING_SUSPECT"));
  world.heal();
  await converges(world, 50);
});
