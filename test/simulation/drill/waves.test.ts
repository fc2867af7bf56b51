import assert from "node:assert/strict";
import { test } from "node:test";
import { tenth } from "./plan.js";
import { runDrill } from "./run.js";

/**
 * The small drill slows calls more than it fails them, so that no circuit opens, and its alarms are
 * repeated all at once: what waited for the end of the outage comes in two waves.
 */
for (const seed of [1, 2, 3, 4]) {
  test(`M6.3 B9.4 no wave of demand after an outage hurts those who share the cloud, seed ${seed}`, async (t) => {
    const none = await runDrill("none", tenth, seed);
    const braked = await runDrill("braked", tenth, seed);
    const [alone, beside] = [none, braked].map((run) => run.recoveryMs / 1_000);
    t.diagnostic(`recovered after ${alone} s alone, ${beside} s with demand`);
    assert.ok(alone! > 15, "the trouble outlasts its cause");
    assert.ok(beside! <= 1.1 * alone!, `${beside} s with demand, ${alone} s without`);
    assert.deepEqual(braked.windups, []);
    assert.ok(braked.convergedMs !== undefined, "some group never got there");
  });
}
