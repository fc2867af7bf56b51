import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertKept,
  createGroup,
  groupSpec,
  placed,
  setTarget,
  submit,
  targetOf,
  updateGroup,
} from "../asks.js";
import { createWorld, type World } from "../world.js";
import {
  advanceTo,
  at,
  createSchedule,
  cron,
  deleteSchedule,
  editSchedule,
  hourMs,
  minuteMs,
  scheduleOf,
  startMs,
} from "./asks.js";

const opensAfterMs = 10 * minuteMs;
const durationMs = 20 * minuteMs;

/** From 10 to 30 minutes after the start. */
async function withWindow(limits: { min?: number; max?: number; floor?: number }, target = 4) {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 2, max: 20 })] }));
  await setTarget(world, target);
  const timing = at(startMs + opensAfterMs);
  await createSchedule(world, { timing, action: { kind: "window", limits, durationMs } });
  const after = async (minutes: number) => {
    await advanceTo(world, startMs + minutes * minuteMs);
    return targetOf(world);
  };
  return { world, after };
}

const typesOf = async (world: World) =>
  (await world.events()).map(({ type }) => type).filter((type) => type.startsWith("window."));

test("B7.4 a min holds for its window; the target that it raised stays", async () => {
  const { world, after } = await withWindow({ min: 6 });
  assert.equal(await after(9), 4);
  assert.equal(await after(11), 6);
  const asked = await setTarget(world, 3);
  assert.deepEqual([asked.newTarget, asked.causes.at(-1)?.code], [6, "CLAMPED_TO_MIN"]);
  assert.equal(await after(31), 6);
  assert.equal((await setTarget(world, 3)).newTarget, 3);
  assert.deepEqual(await typesOf(world), ["window.opened", "window.closed"]);
  assert.deepEqual((await scheduleOf(world)).last, undefined);
  await assertKept(world);
});

test("B7.4 a max holds for its window, below the group's own min as well", async () => {
  const { world, after } = await withWindow({ max: 0 });
  assert.equal(await after(11), 0);
  assert.equal((await setTarget(world, 9)).newTarget, 0);
  assert.equal(await after(31), 2);
  assert.equal((await setTarget(world, 9)).newTarget, 9);
  await assertKept(world);
});

test("B7.4 a floor's target falls back when it ends", async () => {
  const { after, world } = await withWindow({ floor: 8 });
  assert.equal(await after(11), 8);
  assert.equal(await after(29), 8);
  assert.equal(await after(31), 4);
  await assertKept(world);
});

test("B7.4 a floor leaves alone what somebody moved meanwhile", async () => {
  const { after, world } = await withWindow({ floor: 8 });
  await after(12);
  assert.equal((await world.run(submit(world, { kind: "change", change: 2 }))).newTarget, 10);
  assert.equal(await after(31), 10);
});

test("B7.4 windows within windows: the largest min and floor, the smallest max", async () => {
  const { world, after } = await withWindow({ floor: 8 });
  const more = {
    kind: "window",
    limits: { floor: 12, max: 12 },
    durationMs: 5 * minuteMs,
  } as const;
  const timing = at(world.clock.nowMs() + 15 * minuteMs);
  await createSchedule(world, { timing, action: more }, "peak");
  assert.equal(await after(12), 8);
  assert.equal(await after(16), 12);
  assert.equal((await setTarget(world, 15)).newTarget, 12);
  assert.equal(await after(21), 8);
  assert.equal(await after(31), 4);
});

test("B2.7 B7.4 force passes a window while it lasts, and the window holds after it", async () => {
  const { world, after } = await withWindow({ max: 5 });
  await after(11);
  const force = { reason: "launch", durationMs: 5 * minuteMs };
  const ask = submit(world, { kind: "target", target: 9 }, { force });
  assert.equal((await world.run(ask)).newTarget, 9);
  assert.equal(await after(15), 9);
  assert.equal(await after(17), 5);
  await assertKept(world);
});

test("B7.4 windows outlast crashes, and open and close after downtime as if there were none", async () => {
  const { world, after } = await withWindow({ floor: 8 });
  await after(11);
  await world.crash();
  assert.equal(await after(12), 8);
  await world.sleep(30 * minuteMs);
  await world.clock.advance(minuteMs);
  assert.equal(await targetOf(world), 4);
  const later = await withWindow({ floor: 8 });
  await later.world.sleep(20 * minuteMs);
  assert.equal(await later.after(21), 8);
});

test("B7.4 an edit of the limits holds within a window; one of the window at once", async () => {
  const { world, after } = await withWindow({ min: 6 });
  await after(11);
  await updateGroup(world, { placements: [placed("iad", { min: 2, max: 5 })] });
  await world.clock.advance(1_000);
  assert.equal(await targetOf(world), 5);
  await updateGroup(world, { placements: [placed("iad", { min: 2, max: 30 })] });
  await world.clock.advance(1_000);
  assert.equal(await targetOf(world), 6);
  const wider = { kind: "window", limits: { min: 7, max: 9 }, durationMs } as const;
  await editSchedule(world, { action: wider });
  await world.clock.advance(1_000);
  assert.equal(await targetOf(world), 7);
  assert.equal((await setTarget(world, 12)).newTarget, 9);
  await deleteSchedule(world);
  await world.clock.advance(1_000);
  assert.equal((await setTarget(world, 12)).newTarget, 12);
});

test("B7.4 a window that would be open already opens when it is made; cron opens it again", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { max: 20 })] }));
  await advanceTo(world, startMs + 10 * minuteMs);
  const action = { kind: "window", limits: { floor: 3 }, durationMs: 30 * minuteMs } as const;
  await createSchedule(world, { timing: cron("0 * * * *"), action });
  await world.clock.advance(1_000);
  assert.equal(await targetOf(world), 3);
  await advanceTo(world, startMs + 31 * minuteMs);
  assert.equal(await targetOf(world), 0);
  await advanceTo(world, startMs + hourMs + minuteMs);
  assert.equal(await targetOf(world), 3);
});
