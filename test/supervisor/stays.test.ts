import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
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

const minutes = (count: number) => count * 60_000;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 1_000 }];
const ids = async (world: World) => (await rowsOf(world)).map(({ id }) => id).toSorted();
const states = async (world: World) => (await rowsOf(world)).map(({ state }) => state);
const waits = async (world: World) =>
  (await view(world)).placements[0]?.conditions
    .find((one) => one.type === "waiting")
    ?.causes.map(({ code }) => code) ?? [];

async function worldAt(servers: number, health = {}): Promise<World> {
  const world = await createWorld();
  const placements = [placed("iad", { attachments })];
  await createGroup(world, groupSpec({ placements, ...health }));
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

test("B8.3 B4.2 a maintenance longer than the grace destroys nothing in a paused group", async () => {
  const world = await worldAt(3);
  const before = await ids(world);
  const cloudIds = world.cloud.servers().map(({ id }) => id);
  await world.run(world.node().groups.pause(web, "maintenance", world.caller));
  for (const id of cloudIds) assert.ok(world.cloud.setStatus(id, "SHUTOFF"));
  await world.until("it is seen", async () => (await waits(world)).includes("STOPPED"));
  await world.clock.advance(minutes(11));
  await world.run(world.node().groups.converge(web, world.caller));
  assert.deepEqual(await states(world), ["inService", "inService", "inService"]);
  for (const id of cloudIds) world.cloud.setStatus(id, "ACTIVE");
  await world.clock.advance(20_000);
  await world.run(world.node().groups.resume(web, world.caller));
  await converges(world, 3);
  await world.clock.advance(minutes(2));
  assert.deepEqual(await ids(world), before);
  assert.deepEqual(
    world.cloud
      .servers()
      .map(({ id }) => id)
      .toSorted(),
    cloudIds.toSorted(),
  );
  assertNothingTwice(world);
});

test("B9.1 B5.6 under a kill switch on create, unhealthy members stay in service", async () => {
  const world = await worldAt(3, { health: { useLoadBalancer: true, bootGraceMs: 0 } });
  const before = await ids(world);
  const brake = { colo: "iad" as ColoId, operations: ["create" as const] };
  await world.run(world.node().colos.setBrake({ ...brake, reason: "a storm" }, world.caller));
  await world.clock.advance(1_000);
  const members = world.balancers.members(lb);
  assert.equal(members.length, 3);
  for (const one of members) world.balancers.force(lb, one, { health: "unhealthy" });
  await world.clock.advance(minutes(5));
  assert.deepEqual(await states(world), ["inService", "inService", "inService"]);
  assert.ok((await waits(world)).includes("SUSPECTED"));
  assert.ok(world.balancers.members(lb).every(({ draining }) => !draining));
  await world.run(world.node().colos.clearBrake(brake, world.caller));
  await world.until("they are replaced", async () => {
    const now = await ids(world);
    return before.every((id) => !now.includes(id));
  });
});
