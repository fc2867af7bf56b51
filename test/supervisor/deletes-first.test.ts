import assert from "node:assert/strict";
import { test } from "node:test";
import { sayCause } from "../../src/core/model/say-cause.js";
import {
  askTarget,
  assertNeverMoreThan,
  cloudCount,
  converges,
  createGroup,
  groupSpec,
  placed,
  setTarget,
  view,
} from "./asks.js";
import { createWorld, type World, type WorldOptions } from "./world.js";

const max = 4;
const boundMs = 30_000;

async function worldAtMax(options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({
    cloud: { latencyMs: { fromMs: 20, toMs: 80 } },
    ...options,
  });
  await createGroup(world, groupSpec({ placements: [placed("iad", { max })] }));
  await setTarget(world, max);
  await converges(world, max);
  return world;
}

const creates = (world: World) =>
  world.cloud.effects.filter(({ kind }) => kind === "created").length;

async function waits(world: World) {
  const { placements } = await view(world);
  return placements[0]!.conditions.find(({ type }) => type === "waiting")?.causes ?? [];
}

test("B9.3 a target that falls and rises again at once never makes more servers than max", async () => {
  let made = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const world = await worldAtMax({ seed });
    for (let round = 0; round < 12; round++) {
      await world.run(askTarget(world, round % 2 === 0 ? 1 + (seed % 3) : max));
      await world.clock.advance((seed * 37 + round * 53) % 400);
    }
    await converges(world, max);
    assertNeverMoreThan(world, max);
    made += creates(world) - max;
  }
  assert.ok(made > 100, `only ${made} were made anew`);
});

test("B9.3 M2.5 what a dead node has not asked to go is asked first by its successor", async () => {
  let midway = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const world = await worldAtMax({ seed });
    await setTarget(world, 1);
    if (cloudCount(world) === max) midway++;
    await (seed % 2 === 0 ? world.sleep(10 * boundMs) : world.crash());
    await setTarget(world, max);
    await converges(world, max);
    assertNeverMoreThan(world, max);
  }
  assert.ok(midway > 10, `only ${midway} died before the first delete`);
});

test("B9.3 B4.11 a cloud that refuses deletes holds up creates for half a minute, and says so", async () => {
  const world = await worldAtMax();
  const fault = world.cloud.inject({ kind: "refuse", on: ["delete"], with: "temporary" });
  await setTarget(world, 2);
  await world.clock.advance(1_000);
  await setTarget(world, max);
  await world.clock.advance(boundMs - 3_000);
  assert.equal(creates(world), max);
  const [wait] = await waits(world);
  assert.match(sayCause(wait!), /^2 servers wait until the cloud was asked to delete 2 servers/);
  await world.clock.advance(5_000);
  assert.equal(creates(world), max + 2, "nobody waits for longer");
  fault.off();
  await converges(world, max);
  assert.ok(fault.fired() > 2, "the fault did not fire");
});
