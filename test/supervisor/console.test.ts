import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertGapFree,
  assertKept,
  cloudCount,
  converges,
  createGroup,
  inService,
  rowsOf,
  setTarget,
} from "./asks.js";
import { createWorld } from "./world.js";

const minutes = (count: number) => count * 60_000;

test("B4.6 what a failed server last said on its console is told of before it goes, once", async () => {
  const world = await createWorld();
  await createGroup(world);
  const failing = world.cloud.inject({ kind: "buildError", text: "disk full" }, { timesMax: 3 });
  await setTarget(world, 3);
  await converges(world, 3, minutes(10));
  assert.equal(failing.fired(), 3);
  const events = await world.events();
  const failed = events.filter(({ type }) => type === "server.failed");
  const told = events.filter(({ type }) => type === "server.console");
  assert.equal(failed.length, 3);
  assert.equal(told.length, 1, "servers that fail together are not all asked");
  const [one] = told;
  assert.match(String(one?.facts["consoleTail"]), /^web-\w+ login:$/);
  const failure = failed.find(({ server }) => server === one?.server);
  assert.ok(failure && one?.parent === failure.id, "it follows from the failure");
  const gone = events.find(({ type, server }) => type === "server.gone" && server === one?.server);
  assert.ok(gone && gone.sequence > one.sequence);
  assertGapFree(events);
  await assertKept(world);
});

test("B4.6 a console that does not answer keeps no server from its end, and surplus is not asked", async () => {
  const world = await createWorld();
  await createGroup(world);
  const slow = world.cloud.inject({ kind: "slowCall", on: ["console"], delayMs: minutes(5) });
  world.cloud.inject({ kind: "buildError", text: "disk full" }, { timesMax: 1 });
  await setTarget(world, 1);
  await world.until("the failed server is gone", async () => {
    const events = await world.events();
    return events.some(({ type }) => type === "server.gone");
  });
  assert.equal(slow.fired(), 1);
  await converges(world, 1, minutes(10));
  await setTarget(world, 0);
  await converges(world, 0);
  assert.equal(slow.fired(), 1);
  assert.equal(await inService(world), 0);
  assert.equal(cloudCount(world), 0);
  const events = await world.events();
  assert.ok(!events.some(({ type }) => type === "server.console"));
  await assertKept(world);
});

test("M3.2 a row keeps by which id the cloud's operators find its create's request", async () => {
  const world = await createWorld();
  await createGroup(world);
  const lost = world.cloud.inject({ kind: "answerLost", on: "create" }, { timesMax: 1 });
  await setTarget(world, 2);
  await converges(world, 2);
  assert.equal(lost.fired(), 1);
  const rows = await rowsOf(world);
  const ids = rows.map(({ cloudId, createRequestId }) => [cloudId, createRequestId]);
  const [answered, ...more] = ids.filter(([, request]) => request !== undefined);
  assert.deepEqual([answered?.[1], more], [`req-${answered?.[0]}`, []]);
});
