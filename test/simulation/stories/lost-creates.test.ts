import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertNeverMoreThan,
  assertNothingTwice,
  cloudCount,
  converges,
  inService,
  setTarget,
} from "../../supervisor/asks.js";
import { keepAsking, minutes, seconds, storyAt, witness } from "./story.js";

test("B4.3 M3.2 otter #1629: servers that no listing ever shows are made once, not 31 times", async () => {
  const world = await storyAt(0);
  const unlisted = world.cloud.inject({ kind: "listingLag", lagMs: minutes(10_000) });
  await setTarget(world, 1);
  await keepAsking(world, 31, seconds(30));
  assert.equal(unlisted.fired(), 1);
  assert.equal(cloudCount(world), 1);
  await setTarget(world, 40);
  await keepAsking(world, 31, seconds(3));
  await world.crash();
  await keepAsking(world, 5, seconds(30));
  assert.equal(unlisted.fired(), 40, "every one of them was kept from the listing");
  assert.equal(await inService(world), 40, "known by a direct look-up");
  assertNothingTwice(world);
  assertNeverMoreThan(world, 40);
  await setTarget(world, 3);
  await converges(world, 3);
});

test("B4.5 otter #1629: lost answers and a listing at its promised worst make no surplus", async () => {
  const world = await storyAt(0);
  const late = world.cloud.inject({ kind: "listingLag", lagMs: 1_950 });
  const lost = world.cloud.inject({ kind: "answerLost", on: "create" }, { share: 0.5 });
  await setTarget(world, 100);
  await keepAsking(world, 31, 400);
  await converges(world, 100, minutes(2));
  assert.ok(late.fired() === 100 && lost.fired() > 30, `${late.fired()}, ${lost.fired()}`);
  assertNothingTwice(world);
  assertNeverMoreThan(world, 100);
});

test("B4.5 otter #1629: a cloud that breaks its promise of lag gets its surplus back", async () => {
  const world = await storyAt(0);
  const late = world.cloud.inject({ kind: "listingLag", lagMs: minutes(3) });
  const lost = world.cloud.inject({ kind: "answerLost", on: "create" }, { timesMax: 10 });
  await setTarget(world, 20);
  const seen = witness(world);
  await keepAsking(world, 31, seconds(20));
  assert.ok(lost.fired() === 10 && late.fired() > 20);
  assert.ok(seen.created() <= 30, `${seen.created()} servers for 20: one for each lost answer`);
  await converges(world, 20, minutes(10));
  assertNothingTwice(world);
});

test("B4.5 otter #660: a create that is answered 500 and made all the same is found, not repeated", async () => {
  const world = await storyAt(30);
  const broken = world.cloud.inject({ kind: "answerLost", on: "create" }, { share: 0.4 });
  const silent = world.cloud.inject(
    { kind: "answerLost", on: "create", hang: true },
    { timesMax: 10 },
  );
  await setTarget(world, 130);
  await world.clock.advance(seconds(8));
  await world.crash();
  await converges(world, 130, minutes(3));
  assert.ok(broken.fired() > 20 && silent.fired() === 10);
  assertNothingTwice(world);
  assertNeverMoreThan(world, 130);
});
