import assert from "node:assert/strict";
import { test } from "node:test";
import { converges, rowsOf } from "../../supervisor/asks.js";
import { keepAsking, minutes, seconds, storyAt, witness } from "./story.js";

test("B9.2 a host failure that takes 30 of 100 for certain: repair goes on, at the ramp", async () => {
  const world = await storyAt(100);
  const seen = witness(world);
  const lost = (await rowsOf(world)).slice(0, 30);
  for (const { cloudId } of lost) world.cloud.vanish(cloudId!);
  const startMs = world.clock.nowMs();
  await keepAsking(world, 1, seconds(50));
  assert.ok(seen.created() <= 10, `${seen.created()} were replaced within the first minute`);
  await world.until("all are replaced", () => seen.created() === 30, minutes(10));
  const tookMs = world.clock.nowMs() - startMs;
  assert.ok(tookMs > minutes(2), `thirty in ${tookMs} ms is faster than the ramp`);
  await converges(world, 100);
  assert.equal(seen.created(), 30);
  assert.equal(seen.deletes(), 0);
});
