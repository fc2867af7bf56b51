import assert from "node:assert/strict";
import { test } from "node:test";
import { askTarget, createGroup, inService, setTarget, web } from "./asks.js";
import { createWorld, type World } from "./world.js";

const cloudServers = (world: World) => world.clouds.get("iad")!.servers().length;

test("M2.3 M4.1 a target becomes servers, and its lowering their end", async () => {
  const world = await createWorld();
  await createGroup(world);
  const receipt = await setTarget(world, 10);
  assert.equal(receipt.outcome, "applied");
  assert.equal(receipt.newTarget, 10);
  await world.until("10 in service", async () => (await inService(world)) === 10);
  assert.equal(cloudServers(world), 10);

  await setTarget(world, 3);
  await world.until("3 left", () => cloudServers(world) === 3);
  await world.until("the ledger agrees", async () => {
    const { placements } = await world.node().groups.get(web, world.caller);
    return placements[0]!.inService === 3 && placements[0]!.leaving === 0;
  });
  assert.deepEqual(world.warnings, []);
});

test("M2.5 a node that dies at any moment is gone on from, nothing twice", async () => {
  let crashesInTime = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const world = await createWorld({
      seed,
      cloud: { latencyMs: { fromMs: 5, toMs: 40 }, listingLagMs: 2_000, createDeadlineMs: 5_000 },
    });
    await createGroup(world);
    askTarget(world, 8).catch(() => {}); // Its answer may die with the node.
    await world.clock.advance(seed * 2);
    if (cloudServers(world) < 8) crashesInTime++;
    await world.crash();
    await setTarget(world, 8);
    await world.until("8 in service", async () => (await inService(world)) === 8);
    assert.equal(cloudServers(world), 8, `seed ${seed}`);
    for (const [intention, creates] of world.clouds.get("iad")!.createsByIntention())
      assert.equal(creates, 1, `seed ${seed}: ${intention} was created ${creates} times`);
  }
  assert.ok(crashesInTime > 10, `only ${crashesInTime} crashes struck before the end`);
});
