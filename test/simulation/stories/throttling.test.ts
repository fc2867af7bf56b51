import assert from "node:assert/strict";
import { test } from "node:test";
import { converges, setTarget } from "../../supervisor/asks.js";
import { conditionOf, minutes, storyAt } from "./story.js";

test("B9.4 B4.6 cluster-autoscaler #5271: a storm of 429 is no failure of the group", async () => {
  const world = await storyAt(20);
  const storm = world.cloud.inject({
    ...{ kind: "refuse", on: ["create"], with: "throttled", retryAfterMs: 5_000 },
  });
  await setTarget(world, 60);
  await world.clock.advance(minutes(5));
  assert.ok(storm.fired() > 5, `${storm.fired()} calls were throttled`);
  assert.ok(storm.fired() < 300, `${storm.fired()} calls in five minutes: that is a storm of ours`);
  const degraded = await conditionOf(world, "degraded");
  assert.ok(!degraded?.causes.some((one) => one.code === "BACKOFF"), "no build has failed");
  const failed = (await world.events()).filter((one) => one.type === "server.failed");
  assert.deepEqual(failed, []);
  world.heal();
  await converges(world, 60, minutes(2)); // A group's backoff would have it wait far longer.
});
