import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertNothingTwice,
  converges,
  createGroup,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const reported = (world: World, server: string, health: "healthy" | "unhealthy") =>
  world
    .node()
    .servers.setHealth(
      { key: web, server: server as never, health, reason: "502", timeToLiveMs: 600_000 },
      world.caller,
    );
const report = (...given: Parameters<typeof reported>) => given[0].run(reported(...given));
const held = async (world: World) =>
  (await view(world)).placements[0]?.conditions.find((one) => one.type === "held")?.holds;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 1_000 }];

async function worldAt(servers: number): Promise<World> {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

test("B9.2 servers that a monitor reports are drained and replaced, while they are few", async () => {
  const world = await worldAt(5);
  const [first, second] = await rowsOf(world);
  await report(world, first!.id, "unhealthy");
  await report(world, first!.id, "unhealthy");
  await world.until("it leaves", async () =>
    (await rowsOf(world)).every((row) => row.id !== first!.id || row.leaving !== undefined),
  );
  await world.clock.advance(10_000);
  await converges(world, 5);
  assert.ok(!(await rowsOf(world)).some((row) => row.id === first!.id));
  assert.ok((await rowsOf(world)).some((row) => row.id === second!.id));
  const events = await world.events();
  const told = events.filter((one) => one.type === "server.reported");
  assert.equal(told.length, 1, "monitors repeat themselves");
  assert.ok(events.some((one) => one.facts["causes"] === "SUSPECTED"));
  assertNothingTwice(world);
});

test("B9.2 reports on most of a group are held, and taken back end the hold", async () => {
  const world = await worldAt(6);
  const before = await rowsOf(world);
  // At once: of those that come one by one the first three are replaced before the fourth.
  const all = before.slice(0, 5).map(({ id }) => reported(world, id, "unhealthy"));
  await world.run(Promise.all(all));
  await world.until("held", async () => (await held(world)) === true);
  assert.ok((await rowsOf(world)).every((row) => row.leaving === undefined));
  const back = before.slice(0, 5).map(({ id }) => reported(world, id, "healthy"));
  await world.run(Promise.all(back));
  await world.until("not held", async () => (await held(world)) === false);
  await converges(world, 6);
  const after = (await rowsOf(world)).map((row) => row.id);
  assert.deepEqual(after.toSorted(), before.map((row) => row.id).toSorted());
});
