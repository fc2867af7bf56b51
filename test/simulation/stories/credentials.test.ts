import assert from "node:assert/strict";
import { test } from "node:test";
import { converges, inService, setTarget, targetOf } from "../../supervisor/asks.js";
import { conditionOf, keepAsking, minutes, storyAt, witness } from "./story.js";

for (const servers of [1, 3, 50])
  test(`B9.7 credentials that answer for another project are no loss of ${servers} servers`, async () => {
    const world = await storyAt(servers);
    const seen = witness(world);
    const rotated = world.cloud.inject({ kind: "otherProject" });
    await keepAsking(world, 10, minutes(1));
    await world.crash();
    await keepAsking(world, 10, minutes(1));
    await setTarget(world, servers + 5);
    await keepAsking(world, 5, minutes(1));
    assert.ok(rotated.fired() > 10);
    assert.equal(seen.created(), 0);
    seen.assertUntouched();
    assert.equal(await inService(world), servers, "none of them is lost");
    assert.equal((await conditionOf(world, "degraded"))?.holds, true);
    world.heal();
    await converges(world, servers + 5, minutes(10));
    assert.equal(seen.created(), 5);
    assert.equal(await targetOf(world), servers + 5);
  });
