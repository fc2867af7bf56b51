import assert from "node:assert/strict";
import { test } from "node:test";
import {
  converges,
  inService,
  placed,
  rowsOf,
  targetOf,
  updateGroup,
  web,
} from "../../supervisor/asks.js";
import type { World } from "../../supervisor/world.js";
import { changesBy, minutes, seconds, storyAt, witness } from "./story.js";

/** Placements' commits from here on: a dry run makes none. */
function commitsOf(world: World): () => number {
  let count = 0;
  world.cluster.taps.listen({
    committed({ partition }) {
      if (partition.scope === "placement" || partition.scope === "group") count++;
    },
  });
  return () => count;
}

const plan = (world: World, target?: number) =>
  world.run(
    world
      .node()
      .groups.plan({ key: web, ...(target === undefined ? {} : { target }) }, world.caller),
  );

test("B8.3 Nomad #845: a dry run of a group outside its limits acts for none of them", async () => {
  const world = await storyAt(20);
  // Fewer than min, as there, and many to be replaced: held still by a pause, so that it stays so.
  await world.run(world.node().groups.pause(web, "let me look first", world.caller));
  await updateGroup(world, { placements: [placed("iad", { min: 50, max: 60 })] });
  for (const { cloudId } of (await rowsOf(world)).slice(0, 3)) world.cloud.vanish(cloudId!);
  await world.clock.advance(minutes(6));
  const seen = witness(world);
  const changes = changesBy(world, "node-1");
  const commits = commitsOf(world);
  for (const target of [undefined, 0, 7, 55, 1_000]) {
    await plan(world, target);
    await world.clock.advance(seconds(20));
  }
  assert.equal(changes(), 0);
  assert.equal(commits(), 0, "nothing was written down either");
  seen.assertUntouched();
  assert.equal(await targetOf(world), 50);
});

test("B4.1 Nomad #845: a dry run foretells what is then done, and that is not done by it", async () => {
  const world = await storyAt(20);
  const brake = { colo: "iad" as never, operations: ["create", "delete"] as const, reason: "wait" };
  await world.run(world.node().colos.setBrake(brake, world.caller));
  await updateGroup(world, { placements: [placed("iad", { min: 30, max: 60 })] });
  await world.clock.advance(minutes(1));
  const seen = witness(world);
  const foretold = await plan(world);
  assert.equal(foretold.placements[0]?.target, 30);
  assert.equal(foretold.placements[0]?.inService, 20);
  const stopped = foretold.placements[0]?.stopped.map(({ operation }) => operation);
  assert.deepEqual(stopped?.toSorted(), ["create", "delete"]);
  await world.clock.advance(minutes(5));
  seen.assertUntouched();
  assert.equal(await inService(world), 20);
  await world.run(
    world.node().colos.clearBrake({ colo: brake.colo, operations: [] }, world.caller),
  );
  await converges(world, 30);
  assert.equal(seen.created(), 10);
});
