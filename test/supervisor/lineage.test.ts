import assert from "node:assert/strict";
import { test } from "node:test";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { ServerId } from "../../src/core/model/ids.js";
import {
  converges,
  createGroup,
  firstServer,
  groupSpec,
  placed,
  setTarget,
  updateGroup,
  web,
} from "./asks.js";
import { createWorld, lb, type World, type WorldOptions } from "./world.js";

const seconds = (count: number) => count * 1_000;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
const balanced = groupSpec({ placements: [placed("iad", { attachments })] });

async function worldAt(servers: number, spec = groupSpec(), options: WorldOptions = {}) {
  const world = await createWorld(options);
  await createGroup(world, spec);
  const receipt = await setTarget(world, servers);
  await converges(world, servers);
  return { world, asked: receipt.eventId as string };
}

/** What a server went through, each with the type of what it follows from. */
async function lifeOf(world: World, server: ServerId): Promise<readonly string[]> {
  const events = await world.events();
  const byId = new Map(events.map((one) => [one.id, one]));
  return events
    .filter((one) => one.server === server)
    .map((one) => `${one.type} < ${one.parent ? byId.get(one.parent)?.type : "-"}`);
}

async function edges(world: World, condition: string): Promise<readonly MusterEvent[]> {
  const events = await world.events();
  return events.filter((one) => one.facts["condition"] === condition);
}

test("B4.9 a server's birth follows who asked for it, its end who asked for its end", async () => {
  const { world, asked } = await worldAt(2, balanced);
  const down = await setTarget(world, 1);
  await converges(world, 1);
  const events = await world.events();
  const leaving = events.find((one) => one.type === "server.gone")!;
  const life = events.filter((one) => one.server === leaving.server);
  assert.deepEqual(
    life.map((one) => [one.type, one.parent]),
    [
      ["server.intended", asked],
      ["server.building", asked],
      ["server.active", asked],
      ["member.added", asked],
      ["server.in_service", asked],
      ["server.draining", down.eventId],
      ["server.deleting", down.eventId],
      ["member.removed", down.eventId],
      ["server.gone", down.eventId],
    ].toSorted((a, b) => order(life, a[0]!) - order(life, b[0]!)),
  );
  assert.deepEqual(
    events.find((one) => one.id === asked)?.causes?.map((one) => one.code),
    ["APPLIED"],
  );
});

const order = (life: readonly MusterEvent[], type: string) =>
  life.findIndex((one) => one.type === type);

test("B4.9 a lost server's end and its replacement follow from its loss", async () => {
  const { world, asked } = await worldAt(3);
  const doomed = await firstServer(world);
  const cloudId = world.cloud.servers().find((one) => one.ownership?.server === doomed)!.id;
  world.cloud.vanish(cloudId);
  await world.clock.advance(seconds(60));
  await converges(world, 3);
  const events = await world.events();
  const lost = events.find((one) => one.type === "server.lost")!;
  assert.equal(lost.parent, asked, "what was lost had been asked for");
  const after = events.filter((one) => one.parent === lost.id).map((one) => one.type);
  for (const type of ["server.intended", "server.in_service", "server.gone", "group.condition"])
    assert.ok(after.includes(type as MusterEvent["type"]), `${type} follows from the loss`);
  assert.equal(events.filter((one) => one.parent === asked && one.server === doomed).length, 5);
});

test("B4.9 a server that a person removes: its end and its replacement are theirs", async () => {
  const { world } = await worldAt(2);
  const server = await firstServer(world);
  await world.run(world.node().servers.delete({ key: web, server, replace: true }, world.caller));
  await world.clock.advance(seconds(5));
  await converges(world, 2);
  const events = await world.events();
  const root = events.find((one) => one.principal === "tester" && one.server === server)!;
  assert.equal(root.parent, undefined);
  const after = events.filter((one) => one.parent === root.id).map((one) => one.type);
  assert.ok(after.includes("server.gone"));
  assert.ok(after.includes("server.in_service"));
});

test("B4.6 a build that is tried again follows what the failed one followed", async () => {
  const world = await createWorld();
  await createGroup(world);
  const failing = world.cloud.inject({ kind: "buildError", text: "no host" }, { timesMax: 2 });
  const asked = (await setTarget(world, 2)).eventId;
  await world.clock.advance(seconds(90));
  await converges(world, 2);
  assert.equal(failing.fired(), 2);
  const events = await world.events();
  const intended = events.filter((one) => one.type === "server.intended");
  assert.equal(intended.length, 4);
  assert.ok(intended.every((one) => one.parent === asked));
  const failed = events.filter((one) => one.type === "server.failed").map((one) => one.id);
  const [degraded, healed] = await edges(world, "degraded");
  const may = [asked, ...failed];
  assert.ok(degraded?.parent && may.includes(degraded.parent), "its condition follows from it");
  assert.equal(degraded?.causes?.[1]?.code, "BACKOFF");
  assert.ok(
    events.some((one) => one.id === healed?.parent),
    "so does its end",
  );
});

test("B8.3 a pause that keeps an event waiting shows in its tree, one at rest does not", async () => {
  const { world } = await worldAt(1);
  await world.run(world.node().groups.pause(web, "at rest", world.caller));
  await world.clock.advance(seconds(2));
  await world.run(world.node().groups.resume(web, world.caller));
  await world.clock.advance(seconds(2));
  const slow = world.cloud.inject({ kind: "slowBuild", extraMs: 20_000 });
  const asked = (await setTarget(world, 3)).eventId;
  await world.clock.advance(seconds(2));
  await world.run(world.node().groups.pause(web, "in the middle", world.caller));
  await world.clock.advance(seconds(30));
  await world.run(world.node().groups.resume(web, world.caller));
  await converges(world, 3);
  assert.ok(slow.fired() > 0);
  const byId = new Map((await world.events()).map((one) => [one.id, one]));
  const parents = (await edges(world, "paused")).map((one) => byId.get(one.parent!)!);
  assert.deepEqual(
    parents.map((one) => one.type),
    ["group.paused", "group.resumed", "scale.decided", "scale.decided"],
  );
  assert.equal(parents[2]?.id, asked);
});

test("B5.1 memberships that an edit asks for follow from the edit, and name who made it", async () => {
  const { world, asked } = await worldAt(2);
  await updateGroup(world, { placements: [placed("iad", { attachments })] });
  await world.clock.advance(seconds(30));
  await updateGroup(world, { placements: [placed("iad")] });
  await world.clock.advance(seconds(30));
  const events = await world.events();
  const edits = events.filter((one) => one.type === "group.updated");
  assert.deepEqual(
    edits.map((one) => one.principal),
    ["tester", "tester"],
  );
  for (const [type, edit] of [
    ["member.added", edits[0]],
    ["member.removed", edits[1]],
  ] as const) {
    const members = events.filter((one) => one.type === type);
    assert.equal(members.length, 2);
    for (const one of members) assert.equal(one.parent, edit?.id, type);
  }
  assert.ok(asked);
});

test("B8.4 everything of a group's end follows from who ended it", async () => {
  const { world } = await worldAt(2);
  const ended = world.node().groups.delete({ key: web, force: true }, world.caller);
  await world.run(ended);
  await world.clock.advance(seconds(60));
  const events = await world.events();
  const deleting = events.find((one) => one.type === "group.deleting");
  assert.equal(deleting?.principal, "tester");
  const after = events.filter((one) => one.parent === deleting?.id).map((one) => one.type);
  assert.equal(after.filter((one) => one === "server.gone").length, 2);
  assert.ok(after.includes("group.deleted"));
});

test("B4.9 what a crash leaves behind still follows from what asked for it", async () => {
  const world = await createWorld({ colos: ["iad", "dfw"] });
  await createGroup(world, groupSpec({ placements: [placed("iad"), placed("dfw")] }));
  const lost = world.cloud.inject({ kind: "answerLost", on: "create" }, { timesMax: 1 });
  const asked = (await setTarget(world, 4)).eventId;
  await world.clock.advance(60);
  await world.crash();
  await converges(world, 4);
  assert.equal(lost.fired(), 1);
  const events = await world.events();
  const ids = new Set(events.map((one) => one.id));
  for (const one of events) {
    if (one.parent) assert.ok(ids.has(one.parent), `${one.type} follows from something known`);
    const isRoot = ["group.created", "scale.decided"].includes(one.type);
    assert.equal(one.parent === undefined, isRoot, `${one.type} of ${one.colo}`);
    if (one.server) assert.equal(one.parent, asked);
  }
  const moved = events.filter((one) => one.type === "target.changed");
  assert.deepEqual(
    moved.map((one) => [one.colo, one.parent]),
    [["dfw", asked]],
  );
  const [server] = events.flatMap((one) => (one.server ? [one.server] : []));
  assert.ok((await lifeOf(world, server!)).every((one) => one.endsWith("< scale.decided")));
});
