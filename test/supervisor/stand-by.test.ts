import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { ServerId } from "../../src/core/model/ids.js";
import {
  assertGapFree,
  assertKept,
  cloudCount,
  converges,
  createGroup,
  firstServer,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  view,
  web,
} from "./asks.js";
import { createPair, serversIn } from "./pair.js";
import { createWorld, lb, type World } from "./world.js";

const minuteMs = 60_000;
const say = (world: World, server: ServerId, standBy: boolean, replace = false) =>
  world.run(world.node().servers.standBy({ key: web, server, standBy, replace }, world.caller));
const stateOf = async (world: World, server: ServerId) =>
  (await rowsOf(world)).find(({ id }) => id === server)?.state;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 60_000 }];

async function worldAt(count: number, max = 50): Promise<World> {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { max, attachments })] }));
  await setTarget(world, count);
  await converges(world, count);
  return world;
}

test("B8.1 B8.2 a server stands by: out of its load balancer, one fewer in the target, kept", async () => {
  const world = await worldAt(3);
  const server = await firstServer(world);
  await say(world, server, true);
  await say(world, server, true);
  assert.equal(await targetOf(world), 2, "lowered once");
  await world.until("it is no member", () => world.balancers.members(lb).length === 2);
  await world.crash();
  await world.clock.advance(10 * minuteMs);
  assert.deepEqual([await inService(world), cloudCount(world)], [2, 3]);
  const [placement] = (await view(world)).placements;
  assert.equal(placement!.standingBy, 1);
  assert.ok(placement!.conditions.some(({ type, holds }) => type === "converged" && holds));
  await setTarget(world, 0);
  await world.until("only it is left", () => cloudCount(world) === 1);
  assert.equal(await stateOf(world, server), "standingBy", "scaling in does not choose it");
  await say(world, server, false);
  await say(world, server, false);
  await world.until("it serves", async () => (await stateOf(world, server)) === "inService");
  assert.equal(await targetOf(world), 1, "raised once");
  assert.equal(world.balancers.members(lb).length, 1);
  await converges(world, 1);
  const types = (await world.events()).filter(({ server: one }) => one === server);
  const said = types.map(({ type }) => type).filter((type) => /standing_by|recalled/.test(type));
  assert.deepEqual(said, ["server.standing_by", "server.recalled"]);
  assertGapFree(await world.events());
  await assertKept(world);
});

test("B8.1 with --replace another takes its place, and one of those goes when it comes back", async () => {
  const world = await worldAt(2);
  const server = await firstServer(world);
  await say(world, server, true, true);
  assert.equal(await targetOf(world), 2);
  await world.until("another serves", async () => (await inService(world)) === 2);
  assert.equal((await rowsOf(world)).filter((row) => row.replaces).length, 1);
  assert.equal(cloudCount(world), 3);
  await say(world, server, false);
  await converges(world, 2);
  assert.equal(await stateOf(world, server), "inService", "it is not the one");
});

test("B8.1 what is lost while it stands by is not replaced", async () => {
  const world = await worldAt(2);
  const server = await firstServer(world);
  const { cloudId } = (await rowsOf(world)).find(({ id }) => id === server)!;
  await say(world, server, true);
  world.cloud.vanish(cloudId!);
  await world.until("its row ends", async () => (await stateOf(world, server)) === undefined);
  await world.clock.advance(10 * minuteMs);
  assert.deepEqual([await targetOf(world), cloudCount(world)], [1, 1]);
});

test("B8.1 it comes back only while there is room below max", async () => {
  const world = await worldAt(2, 2);
  const server = await firstServer(world);
  await say(world, server, true, true);
  await world.until("another serves", async () => (await inService(world)) === 2);
  const full = (error: unknown) => isFault(error, "NO_ROOM_TO_RETURN");
  await assert.rejects(say(world, server, false), full);
  await setTarget(world, 1);
  await world.until("one goes", () => cloudCount(world) === 2);
  await world.until("one is left beside it", async () => (await inService(world)) === 1);
  await say(world, server, false);
  await converges(world, 1);
  assert.equal(await stateOf(world, server), "inService");
});

test("B8.1 only a server in service can stand by; one that does may be deleted or released", async () => {
  const world = await worldAt(2);
  const [one, two] = (await rowsOf(world)).map(({ id }) => id);
  const remove = (server: ServerId) =>
    world.run(world.node().servers.delete({ key: web, server, replace: false }, world.caller));
  await say(world, one!, true);
  await remove(one!);
  await world.until("it is gone", () => cloudCount(world) === 1);
  assert.equal(await targetOf(world), 1, "it had been counted out before");
  await say(world, two!, true, true);
  const release = { key: web, server: two!, replace: false };
  await world.run(world.node().servers.release(release, world.caller));
  assert.equal(await targetOf(world), 1);
  await setTarget(world, 3);
  const young = async () => (await rowsOf(world)).find(({ state }) => state === "building");
  await world.until("one is built", async () => (await young()) !== undefined);
  const unfit = (error: unknown) => isFault(error, "SERVER_NOT_AVAILABLE");
  await assert.rejects(say(world, (await young())!.id, true), unfit);
});

test("B8.1 B8.4 a group that is deleted takes along who stands by", async () => {
  const world = await worldAt(2);
  await say(world, await firstServer(world), true);
  const end = { key: web, force: false };
  await setTarget(world, 0);
  await world.until("one is left", () => cloudCount(world) === 1);
  const full = (error: unknown) => isFault(error, "GROUP_NOT_EMPTY");
  await assert.rejects(world.run(world.node().groups.delete(end, world.caller)), full);
  await world.run(world.node().groups.delete({ ...end, force: true }, world.caller));
  await world.until("all are gone", () => cloudCount(world) === 0);
});

test("B8.1 M3.3 a server of another colo is stood by through a node of any", async () => {
  const { world } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  const request = { key: web, pageSize: 10, states: [] };
  const { items } = await world.run(world.node().servers.list(request, world.caller));
  const theirs = items.find(({ colo }) => colo === "ams")!.row.id;
  assert.equal((await say(world, theirs, true)).row.state, "standingBy");
  await world.clock.advance(minuteMs);
  assert.equal(serversIn(world, "ams"), 2);
  assert.equal(await targetOf(world), 3);
});
