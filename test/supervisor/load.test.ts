import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import {
  assertNothingTwice,
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  setTarget,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const intended = async (world: World) =>
  (await world.events()).filter((one) => one.type === "server.intended").length;
const wide = groupSpec({ placements: [placed("iad", { max: 2_000 })] });

test("M2.3 a cloud that is slow to answer is not promised more than it can start", async () => {
  const world = await createWorld({ cloud: { latencyMs: { fromMs: 2_000, toMs: 4_000 } } });
  await createGroup(world, wide);
  await setTarget(world, 200);
  const startedMs = world.clock.nowMs();
  await converges(world, 200);
  const intentions = await intended(world);
  assert.ok(intentions <= 240, `${intentions} intentions for 200 servers`);
  // 30 at once, 3 s each: 20 s for the calls, and a build after the last.
  assert.ok(world.clock.nowMs() - startedMs < 45_000);
  assertNothingTwice(world);
});

const ask = (world: World, key: GroupKey, target: number) =>
  world.run(
    world
      .node()
      .scaling.submit({ key, source: "manual", ask: { kind: "target", target } }, world.caller),
  );

test("M2.3 many groups of an account at once: nothing in vain, one listing serves them all", async () => {
  const world = await createWorld({ cloud: { latencyMs: { fromMs: 500, toMs: 1_500 } } });
  const keys = Array.from({ length: 20 }, (_, index) => ({
    ...web,
    group: `g${index}` as GroupId,
  }));
  for (const key of keys) await createGroup(world, wide, key);
  for (const key of keys) await ask(world, key, 20);
  const startedMs = world.clock.nowMs();
  const complete = async () => {
    for (const key of keys) if ((await inService(world, key)) < 20) return false;
    return true;
  };
  await world.until("each has all", complete, 120_000);
  // 14 s of calls, a build, and two listings of eight pages each.
  assert.ok(world.clock.nowMs() - startedMs < 60_000);
  assert.equal(await intended(world), 400);
});

test("M2.4 an account that wants a few does not wait for one that wants hundreds", async () => {
  const world = await createWorld({ cloud: { latencyMs: { fromMs: 1_000, toMs: 2_000 } } });
  const small: GroupKey = { ...web, account: "small" as AccountId };
  await createGroup(world, wide);
  await createGroup(world, wide, small);
  await ask(world, web, 400);
  await world.clock.advance(3_000);
  await ask(world, small, 5);
  await world.until("it has its few", async () => (await inService(world, small)) === 5, 40_000);
  const others = world.cloud.servers().filter((one) => one.ownership?.account === "acme");
  assert.ok(others.length < 400, "while the other one still waits");
});

test("M2.3 a cloud that answers at once is not held back", async () => {
  const world = await createWorld();
  await createGroup(world, wide);
  await setTarget(world, 1_000);
  const startedMs = world.clock.nowMs();
  await converges(world, 1_000);
  assert.ok(world.clock.nowMs() - startedMs < 30_000);
  assert.equal(await intended(world), 1_000);
});
