import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { ServerId } from "../../src/core/model/ids.js";
import type { ServerView } from "../../src/supervisor/api.js";
import {
  converges,
  createGroup,
  firstServer,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  submit,
  targetOf,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const askDelete = (world: World, server: ServerId, replace = false): Promise<ServerView> =>
  world.node().servers.delete({ key: web, server, replace }, world.caller);
const protect = (world: World, server: ServerId, on: boolean) =>
  world.run(world.node().servers.protect({ key: web, server, protect: on }, world.caller));

async function worldOf(servers: number, min = 0): Promise<World> {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { min })] }));
  await setTarget(world, servers);
  await converges(world, servers);
  return world;
}

test("B8.2 removing a server twice lowers the target once, even at once and across a crash", async () => {
  const world = await worldOf(4);
  const server = await firstServer(world);
  const twice = [askDelete(world, server), askDelete(world, server)];
  const views = await world.run(Promise.all(twice));
  assert.deepEqual(views[0], views[1]);
  await world.crash();
  await world.run(askDelete(world, server).catch(() => undefined));
  assert.equal(await targetOf(world), 3);
  await converges(world, 3);
  assert.ok(!(await rowsOf(world)).some((row) => row.id === server));
  const gone = (await world.events()).find((one) => one.type === "server.gone");
  assert.equal(gone?.server, server);
  await assert.rejects(world.run(askDelete(world, server)), (error) =>
    isFault(error, "SERVER_NOT_FOUND"),
  );
});

test("B8.1 replacing a server keeps the target", async () => {
  const world = await worldOf(3);
  const server = await firstServer(world);
  await world.run(askDelete(world, server, true));
  assert.equal(await targetOf(world), 3);
  await converges(world, 3);
  assert.ok(!(await rowsOf(world)).some((row) => row.id === server));
});

test("B8.1 at the minimum a removed server is replaced", async () => {
  const world = await worldOf(2, 2);
  await world.run(askDelete(world, await firstServer(world)));
  assert.equal(await targetOf(world), 2);
  await converges(world, 2);
});

test("B8.1 removing a server never raises the target", async () => {
  const world = await worldOf(4, 3);
  const force = { reason: "night", durationMs: 3_600_000 };
  await world.run(submit(world, { kind: "target", target: 2 }, { force }));
  await converges(world, 2);
  await world.run(askDelete(world, await firstServer(world)));
  assert.ok((await targetOf(world)) <= 2);
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  const left = await rowsOf(world).catch(() => []);
  const still = left.find((row) => row.state === "inService");
  if (still) await world.run(askDelete(world, still.id));
  assert.equal(await targetOf(world).catch(() => 0), 0);
});

test("B4.4 B8.1 protected servers stay when scaling in, but may be removed by name", async () => {
  const world = await worldOf(3);
  const [one, two] = (await rowsOf(world)).map((row) => row.id) as [ServerId, ServerId];
  await protect(world, one, true);
  await protect(world, two, true);
  await protect(world, two, true);
  await setTarget(world, 0);
  await world.until("one is left out", async () => (await rowsOf(world)).length === 2);
  await world.clock.advance(60_000);
  await world.crash();
  await world.clock.advance(60_000);
  assert.deepEqual((await rowsOf(world)).map((row) => row.id).toSorted(), [one, two].toSorted());
  await protect(world, one, false);
  await world.until("it follows", async () => (await rowsOf(world)).length === 1, 60_000);
  await world.run(askDelete(world, two));
  await world.until("both gone", async () => (await rowsOf(world)).length === 0, 60_000);
  const said = (await world.events()).filter((event) => event.type === "server.protected");
  assert.deepEqual(
    said.map((event) => event.facts["protected"]),
    [true, true, false],
  );
});

test("B4.5 a server that the cloud has not answered for cannot be removed yet", async () => {
  const world = await createWorld({ cloud: { latencyMs: { fromMs: 2_000, toMs: 2_000 } } });
  await createGroup(world);
  await setTarget(world, 1);
  await world.until("it is intended", async () => (await rowsOf(world)).length === 1);
  await assert.rejects(world.run(askDelete(world, await firstServer(world))), (error) =>
    isFault(error, "OVERLOADED"),
  );
  assert.equal(await targetOf(world), 1);
  await converges(world, 1);
});

test("B8.1 a building server may be removed, and its target with it", async () => {
  const world = await createWorld({ cloud: { buildMs: { fromMs: 60_000, toMs: 60_000 } } });
  await createGroup(world);
  await setTarget(world, 2);
  const building = async () => (await rowsOf(world)).filter((row) => row.state === "building");
  await world.until("they build", async () => (await building()).length === 2);
  await world.run(askDelete(world, await firstServer(world)));
  assert.equal(await targetOf(world), 1);
  await converges(world, 1);
});

test("B1.4 servers are listed oldest first, page by page, by state", async () => {
  const world = await worldOf(5);
  const list = (change: object) =>
    world.run(
      world.node().servers.list({ key: web, pageSize: 2, states: [], ...change }, world.caller),
    );
  const first = await list({});
  const second = await list({ after: first.items[1]!.row.id });
  const third = await list({ after: second.items[1]!.row.id });
  assert.deepEqual([first.more, second.more, third.more], [true, true, false]);
  const ids = [first, second, third].flatMap((page) => page.items.map((one) => one.row.id));
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(new Set(ids).size, 5);
  assert.equal((await list({ states: ["draining"] })).items.length, 0);
});
