import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreFaultName } from "../../src/drivers/store-memory/index.js";
import {
  alert,
  assertGapFree,
  assertNeverMoreThan,
  assertNothingTwice,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  policySpec,
  rowsOf,
  setTarget,
  targetOf,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const cloud = {
  latencyMs: { fromMs: 5, toMs: 60 },
  listingLagMs: 2_000,
  createDeadlineMs: 5_000,
};
const faults: Readonly<Record<StoreFaultName, number>> = {
  lostAfterCommit: 0.4,
  lostBeforeCommit: 0.3,
  hintsStale: 0.8,
  feedLate: 0.5,
  unavailable: 0.4,
  slow: 0.3,
};

/** Keeps asking, as clients do, until it is answered. */
async function insist(world: World, target: number, requestId: string): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    const told = await setTarget(world, target, requestId).catch(() => undefined);
    if (told) return;
    await world.clock.advance(500);
  }
  throw new Error("never answered");
}

for (const [name, chance] of Object.entries(faults) as [StoreFaultName, number][])
  test(`M2.1 store fault ${name} while scaling: nothing is lost, nothing twice`, async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const world = await createWorld({ seed, cloud });
      await createGroup(world);
      world.storeFaults.chance[name] = chance;
      world.storeFaults.slowMs = 700;
      await insist(world, 10, "r1");
      await world.clock.advance(3_000 * seed);
      if (seed % 2 === 0) {
        world.heal(); // A node that starts needs its store.
        await world.crash();
        world.storeFaults.chance[name] = chance;
      }
      await world.clock.advance(20_000);
      await insist(world, 6, "r2");
      await world.clock.advance(20_000);
      assert.ok(world.storeFaults.fired[name] > 0, `${name} never struck`);
      world.heal();
      assert.equal(await targetOf(world), 6, "what was acknowledged stands");
      await converges(world, 6, 400_000);
      assertNothingTwice(world);
      assertNeverMoreThan(world, 10);
      assertGapFree(await world.events());
    }
  });

test("M2.1 without its store a node refuses and does nothing it could not write down", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  world.storeFaults.chance.unavailable = 1;
  await assert.rejects(setTarget(world, 8, "r1"));
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  const callsBefore = world.cloud.calls.length;
  await world.clock.advance(400_000);
  assert.ok(world.storeFaults.fired.unavailable > 100);
  assert.equal(world.cloud.calls.length, callsBefore);
  world.heal();
  await converges(world, 2, 400_000);
  assert.equal((await setTarget(world, 3, "r1")).outcome, "applied", "it had not been kept");
});

test("M2.5 a node finds its work again, though the first commit's way was lost", async () => {
  for (const name of ["unavailable", "lostBeforeCommit"] as const) {
    const world = await createWorld({
      cloud: { ...cloud, buildMs: { fromMs: 30_000, toMs: 30_000 } },
    });
    await createGroup(world);
    await world.clock.advance(5_000);
    world.storeFaults.chance[name] = 1;
    await assert.rejects(setTarget(world, 2));
    assert.ok(world.storeFaults.fired[name] > 0);
    world.heal();
    await setTarget(world, 2);
    await world.crash();
    await world.until("it goes on", () => cloudCount(world) === 2, 20_000);
    await converges(world, 2);
  }
});

test("M2.5 a node that starts without its store says so, and starts when it is there", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  world.storeFaults.chance.unavailable = 1;
  await assert.rejects(world.crash());
  world.heal();
  await world.crash();
  await setTarget(world, 3);
  await converges(world, 3);
});

test("B3.3 M2.1 alerts act on, through a store whose answers get lost", async () => {
  const world = await createWorld({ cloud, seed: 5 });
  await createGroup(world);
  const rule = { ...policySpec().alert, holdMs: 30_000, repeatsMax: 2, timeToLiveMs: 86_400_000 };
  await createPolicy(world, policySpec({ alert: rule }));
  await alert(world, "critical");
  Object.assign(world.storeFaults.chance, { lostAfterCommit: 0.4, lostBeforeCommit: 0.2 });
  await world.clock.advance(240_000);
  const { fired } = world.storeFaults;
  assert.ok(fired.lostAfterCommit > 3 && fired.lostBeforeCommit > 1);
  world.heal();
  await world.clock.advance(60_000);
  assert.equal(await targetOf(world), 6, "once for its hold, twice more to repeat");
  await converges(world, 6);
});

test("M2.1 the ledger never forgets a server that the cloud has", async () => {
  const world = await createWorld({ seed: 9, cloud });
  await createGroup(world);
  Object.assign(world.storeFaults.chance, { lostAfterCommit: 0.3, unavailable: 0.3 });
  await insist(world, 12, "r1");
  for (let second = 0; second < 40; second++) {
    await world.clock.advance(1_000);
    const known = new Set((await rowsOf(world).catch(() => [])).map((row) => row.id as string));
    if (known.size === 0) continue;
    for (const { ownership } of world.cloud.servers())
      assert.ok(known.has(ownership!.server), `${ownership!.server} is in no row`);
  }
  world.heal();
  await converges(world, 12);
});
