import assert from "node:assert/strict";
import { test } from "node:test";
import { assertKept, targetOf } from "../asks.js";
import { createPair, join, part } from "../pair.js";
import type { World } from "../world.js";
import { advanceTo, createSchedule, cron, minuteMs, runsOf, scheduleOf, startMs } from "./asks.js";

/** Due times by the colo that ran them. */
async function dueBy(world: World) {
  const runs = await runsOf(world);
  return runs.map(
    ({ colo, facts }) => `${colo} ${(Number(facts["dueAtMs"]) - startMs) / minuteMs}`,
  );
}

test("B11.2 B7.2 the first colo of the list runs it, the others see it done", async () => {
  const { world } = await createPair();
  await createSchedule(world, {
    timing: cron("*/5 * * * *"),
    action: { kind: "change", change: 2 },
  });
  await advanceTo(world, startMs + 16 * minuteMs);
  assert.deepEqual((await dueBy(world)).toSorted(), ["iad 10", "iad 15", "iad 5"]);
  assert.equal(await targetOf(world), 6);
  await assertKept(world);
});

test("B11.2 B7.2 a lost colo's occurrences run in the next one, and not again when it is back", async () => {
  const { world } = await createPair();
  await createSchedule(world, {
    timing: cron("*/5 * * * *"),
    action: { kind: "change", change: 2 },
  });
  await advanceTo(world, startMs + 6 * minuteMs);
  world.nodeWires().cut();
  await advanceTo(world, startMs + 11 * minuteMs);
  const feed = world.cluster.stores.get("ams")!.readFeed("", 1_000, world.caller);
  const ran = (await world.run(feed)).map(({ event }) => event);
  const here = ran.filter(({ facts, colo }) => colo === "ams" && "schedule" in facts);
  assert.equal(here.length, 1, "the second colo ran the one at 10");
  await world.crash(); // Up again.
  await advanceTo(world, startMs + 16 * minuteMs);
  assert.deepEqual((await dueBy(world)).toSorted(), ["ams 10", "iad 15", "iad 5"]);
  const { last } = await scheduleOf(world);
  assert.equal((last!.dueAtMs - startMs) / minuteMs, 15);
});

test("B11.3 colos that are cut apart each run it, and come to the same total", async () => {
  const { world } = await createPair();
  await createSchedule(world, {
    timing: cron("*/5 * * * *"),
    action: { kind: "target", target: 6 },
  });
  await advanceTo(world, startMs + 2 * minuteMs);
  part(world);
  await advanceTo(world, startMs + 6 * minuteMs);
  join(world);
  await advanceTo(world, startMs + 9 * minuteMs);
  assert.deepEqual((await dueBy(world)).toSorted(), ["ams 5", "iad 5"]);
  assert.equal(await targetOf(world), 6);
  await assertKept(world);
});
