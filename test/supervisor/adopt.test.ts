import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { CloudServerId, ColoId, ServerId } from "../../src/core/model/ids.js";
import { sleep } from "../../src/supervisor/sleep.js";
import {
  cloudCount,
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const colo = "iad" as ColoId;

async function worldOf(servers: number, max = 50): Promise<World> {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { max })] }));
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

const adopt = (world: World, cloudId: CloudServerId, keepTarget = false) =>
  world.run(world.node().servers.adopt({ key: web, colo, cloudId, keepTarget }, world.caller));
/** A server without tags that runs. */
function pet(world: World, name = "pet"): CloudServerId {
  const id = world.cloud.addForeign({ account: "acme", name });
  world.cloud.setStatus(id, "ACTIVE");
  return id;
}
const release = (world: World, server: ServerId, replace = false) =>
  world.run(world.node().servers.release({ key: web, server, replace }, world.caller));
const orphans = (world: World) =>
  world.run(world.node().servers.orphans(web.account, world.caller));
const deleteOrphan = (world: World, cloudId: CloudServerId) =>
  world.run(
    world.node().servers.deleteOrphan({ account: web.account, colo, cloudId }, world.caller),
  );
const tagsOf = (world: World, id: CloudServerId) =>
  world.cloud.servers().find((one) => one.id === id)?.ownership;
const deletesOf = (world: World, id: CloudServerId) =>
  world.cloud.effects.filter((one) => one.kind === "deleted" && one.id === id).length;

test("B8.1 B8.2 a released server runs on without tags, is never deleted, and lowers the target once", async () => {
  const world = await worldOf(3);
  const row = (await rowsOf(world))[0]!;
  const cloudId = row.cloudId!;
  await release(world, row.id);
  await release(world, row.id).catch(() => undefined);
  await world.crash();
  await world.until("its tags are gone", () => tagsOf(world, cloudId) === undefined);
  await world.until("its row is gone", async () => (await rowsOf(world)).length === 2);
  assert.equal(await targetOf(world), 2);
  await setTarget(world, 0);
  await world.until("the others go", () => cloudCount(world) === 1);
  await world.clock.advance(600_000);
  assert.equal(world.cloud.servers()[0]?.id, cloudId);
  assert.equal(deletesOf(world, cloudId), 0);
  const types = (await world.events()).map((one) => one.type);
  assert.equal(types.filter((type) => type === "server.released").length, 1);
});

test("B4.11 B8.1 a release that the cloud does not take is told of, and is done once it does", async () => {
  const world = await worldOf(2);
  const row = (await rowsOf(world))[0]!;
  const refused = world.cloud.inject({ kind: "refuse", on: ["tag"], with: "badRequest" });
  await release(world, row.id);
  const degraded = async () =>
    (await view(world)).placements[0]?.conditions
      .find(({ type, holds }) => type === "degraded" && holds)
      ?.causes.map(({ code }) => code) ?? [];
  await world.until("it is told", async () => (await degraded()).length > 0, 1_200_000);
  assert.deepEqual(await degraded(), ["RELEASE_AGED"]);
  assert.ok(refused.fired() > 3);
  refused.off();
  await world.until("its row is gone", async () => (await rowsOf(world)).length === 1);
  assert.equal(tagsOf(world, row.cloudId!), undefined);
  await world.until("that is over", async () => (await degraded()).length === 0);
});

test("B8.1 a released server that is replaced keeps the target", async () => {
  const world = await worldOf(2);
  const row = (await rowsOf(world))[0]!;
  await release(world, row.id, true);
  await world.until("another takes its place", async () => (await inService(world)) === 2);
  await world.until("three servers run", () => cloudCount(world) === 3);
  assert.equal(await targetOf(world), 2);
});

test("B8.1 B8.2 a server without tags is adopted, tagged and served; twice is once", async () => {
  const world = await worldOf(1);
  const cloudId = pet(world);
  const first = await adopt(world, cloudId);
  const again = await adopt(world, cloudId);
  assert.equal(first.row.id, again.row.id);
  assert.equal(await targetOf(world), 2);
  await converges(world, 2);
  await world.until("it is tagged", () => tagsOf(world, cloudId)?.server === first.row.id);
  assert.equal(tagsOf(world, cloudId)?.group, "web");
  await setTarget(world, 0);
  await converges(world, 0);
});

test("B8.1 B9.6 an orphan is adopted under the id that it claims, within the limits", async () => {
  const world = await worldOf(2, 2);
  const [one] = world.cloud.servers();
  const ownership = { ...one!.ownership!, server: "lost-one" };
  const cloudId = world.cloud.addForeign({ account: "acme", name: "lost", ownership });
  await world.until("it is reported", async () => (await orphans(world)).length === 1, 400_000);
  await assert.rejects(adopt(world, cloudId), (error) => isFault(error, "LIMIT_EXCEEDED"));
  await setTarget(world, 1);
  await world.until("there is room", async () => (await rowsOf(world)).length === 1);
  const { row } = await adopt(world, cloudId);
  assert.equal(row.id, "lost-one");
  assert.equal((await orphans(world)).length, 0);
  await converges(world, 2);
});

test("B8.1 M6.2 servers of others, bound ones and unknown ones are not adopted", async () => {
  const world = await worldOf(1);
  const [one] = world.cloud.servers();
  const theirs = world.cloud.addForeign({
    ...{ account: "acme", name: "theirs" },
    ownership: { ...one!.ownership!, installation: "another" },
  });
  await assert.rejects(adopt(world, theirs), (error) => isFault(error, "SERVER_NOT_OURS"));
  const api = { ...web, group: "api" as typeof web.group };
  await createGroup(world, groupSpec(), api);
  const taken = world
    .node()
    .servers.adopt({ key: api, colo, cloudId: one!.id, keepTarget: false }, world.caller);
  await assert.rejects(world.run(taken), (error) => isFault(error, "SERVER_BOUND"));
  await assert.rejects(adopt(world, "no-such" as CloudServerId), (error) =>
    isFault(error, "SERVER_NOT_FOUND"),
  );
  assert.equal(await targetOf(world), 1);
});

test("B9.6 B9.5 a person deletes a reported orphan; nothing else can be deleted so", async () => {
  const world = await worldOf(2);
  const [one, two] = world.cloud.servers();
  const copy = world.cloud.addForeign({
    ...{ account: "acme", name: "copy" },
    ownership: one!.ownership!,
  });
  await assert.rejects(deleteOrphan(world, copy), (error) => isFault(error));
  await world.until("it is reported", async () => (await orphans(world)).length === 1, 400_000);
  assert.equal((await orphans(world))[0]?.orphan.why, "copiedTag");
  await assert.rejects(deleteOrphan(world, two!.id), (error) => isFault(error, "SERVER_BOUND"));
  await assert.rejects(deleteOrphan(world, pet(world)), (error) =>
    isFault(error, "SERVER_NOT_FOUND"),
  );
  await world.clock.advance(400_000);
  assert.equal(deletesOf(world, copy), 0, "nobody has asked for it yet");
  await deleteOrphan(world, copy);
  await world.until("it is gone", () => !world.cloud.servers().some(({ id }) => id === copy));
  await world.until("its report too", async () => (await orphans(world)).length === 0, 400_000);
  assert.equal(cloudCount(world), 3);
});

test("B8.1 B9.5 an adopted server that keeps the target displaces another, and is never the one to go", async () => {
  const world = await worldOf(3);
  const cloudId = pet(world);
  const { row } = await adopt(world, cloudId, true);
  await world.until("one goes", () => cloudCount(world) === 3);
  await converges(world, 3);
  await world.clock.advance(60_000);
  assert.equal(deletesOf(world, cloudId), 0);
  assert.ok((await rowsOf(world)).some(({ id, state }) => id === row.id && state === "inService"));
  assert.equal(await targetOf(world), 3);
  await setTarget(world, 0);
  await converges(world, 0); // It is one among others by now.
});

test("B8.1 B9.5 where only adopted servers could go, the surplus waits for a decision", async () => {
  const world = await worldOf(0);
  const cloudId = pet(world);
  await adopt(world, cloudId, true);
  await world.clock.advance(300_000);
  assert.equal(deletesOf(world, cloudId), 0);
  const { conditions } = (await view(world)).placements[0]!;
  assert.equal(conditions.find(({ type }) => type === "held")?.causes[0]?.code, "PROTECTED");
  await setTarget(world, 1);
  await converges(world, 1);
  assert.equal(world.cloud.servers()[0]?.id, cloudId);
});

test("B8.1 only a server that runs is adopted", async () => {
  const world = await worldOf(1);
  for (const status of ["ERROR", "SHUTOFF", "BUILD", "RESCUE"]) {
    const cloudId = world.cloud.addForeign({ account: "acme", name: status });
    world.cloud.setStatus(cloudId, status);
    await assert.rejects(adopt(world, cloudId), (error) => isFault(error, "SERVER_NOT_AVAILABLE"));
  }
  assert.equal(await targetOf(world), 1);
  assert.equal((await rowsOf(world)).length, 1);
});

test("B8.1 B4.2 what an adopted server fails at before it serves is no failed build: a person decides", async () => {
  const world = await createWorld({ balancers: { behaviour: { healthyAfterMs: 30_000 } } });
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  const placements = [placed("iad", { attachments })];
  await createGroup(world, groupSpec({ placements, buildTimeoutMs: 60_000 }));
  const sick = pet(world, "sick");
  await adopt(world, sick);
  await world.until("it is a member", () => world.balancers.members(lb).length === 1);
  const { host, port } = world.balancers.members(lb)[0]!;
  world.balancers.force(lb, { host, port }, { health: "unhealthy" });
  await world.clock.advance(600_000);
  assert.equal(world.balancers.members(lb)[0]?.health, "unhealthy");
  assert.equal(deletesOf(world, sick), 0, "not for its load balancer");
  world.cloud.setStatus(sick, "ERROR", "its disk is gone");
  await world.clock.advance(600_000);
  assert.equal(deletesOf(world, sick), 0, "not for the cloud's word either");
  assert.deepEqual(
    (await rowsOf(world)).map(({ state }) => state),
    ["launching"],
  );
  const { conditions } = (await view(world)).placements[0]!;
  assert.ok(conditions.find(({ type }) => type === "waiting")?.holds);
});

test("B9.6 any node takes the order to delete an orphan; the one at work carries it out, once it may", async () => {
  const world = await worldOf(2);
  const ownership = { ...world.cloud.servers()[0]!.ownership!, server: "copied" };
  const copy = world.cloud.addForeign({ account: "acme", name: "copy", ownership });
  await world.until("it is reported", async () => (await orphans(world)).length === 1, 400_000);
  const second = await world.join("node-2");
  const stop = { colo, operations: ["delete"] as const, reason: "storm" };
  await world.run(world.node().colos.setBrake(stop, world.caller));
  const ordered = second.supervisor.servers.deleteOrphan(
    { account: web.account, colo, cloudId: copy },
    world.caller,
  );
  assert.equal((await world.run(ordered)).orphan.deleteOrder?.principal, "tester");
  await assert.rejects(adopt(world, copy), (error) => isFault(error, "SERVER_NOT_AVAILABLE"));
  await world.crash(); // The order outlives the node that would have carried it out.
  await world.clock.advance(60_000);
  assert.equal(deletesOf(world, copy), 0, "a brake holds it");
  await world.run(world.node().colos.clearBrake({ colo, operations: ["delete"] }, world.caller));
  await world.until("it is gone", () => deletesOf(world, copy) === 1, 60_000);
  await world.until("its report too", async () => (await orphans(world)).length === 0, 60_000);
  assert.equal(cloudCount(world), 2);
});

test("B9.6 the order to delete an orphan of a group that is gone is carried out all the same", async () => {
  const world = await worldOf(1);
  const ownership = { ...world.cloud.servers()[0]!.ownership!, server: "copied" };
  const copy = world.cloud.addForeign({ account: "acme", name: "copy", ownership });
  await world.until("it is reported", async () => (await orphans(world)).length === 1, 400_000);
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await world.until("only the copy is left", () => cloudCount(world) === 1);
  await world.clock.advance(120_000);
  assert.equal(deletesOf(world, copy), 0);
  await deleteOrphan(world, copy);
  await world.until("it is gone", () => cloudCount(world) === 0, 60_000);
});

test("B8.1 of two groups that adopt one server at once, at most one has it in the end", async () => {
  // When either must come for both to look too early depends on how long a look takes.
  for (let behindMs = -12; behindMs <= 12; behindMs++) await adoptTwice(behindMs);
});

async function adoptTwice(behindMs: number): Promise<void> {
  const world = await worldOf(0);
  const api = { ...web, group: "api" as typeof web.group };
  await createGroup(world, groupSpec(), api);
  const second = await world.join("node-2");
  const cloudId = pet(world);
  const request = { colo, cloudId, keepTarget: false };
  const after = (ms: number) => sleep(world.clock, Math.max(0, ms), world.caller.signal);
  const asks = [
    after(-behindMs).then(() => world.node().servers.adopt({ ...request, key: web }, world.caller)),
    after(behindMs).then(() =>
      second.supervisor.servers.adopt({ ...request, key: api }, world.caller),
    ),
  ];
  const answers = await world.run(Promise.allSettled(asks));
  const refused = answers.filter(({ status }) => status === "rejected");
  assert.ok(refused.length >= 1, "both got it");
  for (const one of refused)
    assert.ok(one.status === "rejected" && isFault(one.reason, "SERVER_BOUND"));
  const rows = async () => [...(await rowsOf(world)), ...(await rowsOf(world, api))];
  const left = answers.length - refused.length;
  await world.until("they let go of it", async () => (await rows()).length === left, 60_000);
  assert.equal((await targetOf(world)) + (await targetOf(world, api)), left);
  assert.equal(deletesOf(world, cloudId), 0);
  assert.equal(cloudCount(world), 1);
}
