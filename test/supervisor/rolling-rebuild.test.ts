import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { RebuildGroup, RebuildWord } from "../../src/supervisor/api.js";
import {
  assertGapFree,
  assertKept,
  assertNothingTwice,
  converges,
  createGroup,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  updateGroup,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const minutes = (count: number) => count * 60_000;
const defaults = { pauseMs: 0, checkpoints: [], stopAfter: 3, rollBack: false } as const;
const servers = (count: number) => ({ kind: "servers", servers: count }) as const;

type Start = Extract<RebuildWord, { readonly kind: "start" }>["options"];

const say = (world: World, word: RebuildWord) => {
  const request: RebuildGroup = { key: web, word };
  return world.run(world.node().groups.rebuild(request, world.caller));
};
const start = (world: World, options: Partial<Start> = {}) =>
  say(world, { kind: "start", options: { ...defaults, ...options } });
const rebuildOf = async (world: World) => (await view(world)).placements[0]?.rebuild;
const phaseOf = async (world: World) => (await rebuildOf(world))?.mark.phase;
const reaches = (world: World, phase: string, withinMs?: number) =>
  world.until(phase, async () => (await phaseOf(world)) === phase, withinMs);
const revisionsOf = async (world: World) =>
  (await rowsOf(world)).map(({ launchRevision }) => launchRevision).toSorted();
const typesOf = async (world: World) =>
  (await world.events()).map(({ type }) => type).filter((type) => type.startsWith("rebuild."));
const image = (name: string) => ({ launch: { ...groupSpec().launch, image: name } });

/** So many servers of the first revision, and a second one that is newer. */
async function worldAt(count: number, change = {}): Promise<World> {
  const world = await createWorld();
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })], ...change }));
  await setTarget(world, count);
  await converges(world, count);
  await updateGroup(world, image("newer"));
  return world;
}

/** The fewest in service and the most that counted at any moment of the work, by the ledger. */
function watchServing(world: World) {
  let fewest = Number.POSITIVE_INFINITY;
  let most = 0;
  const look = async () => {
    const { inService, pending } = (await view(world)).placements[0]!;
    fewest = Math.min(fewest, inService);
    most = Math.max(most, inService + pending);
  };
  return {
    async until(phase: string) {
      await world.until(phase, async () => {
        await look();
        return (await phaseOf(world)) === phase;
      });
    },
    bounds: () => ({ fewest, most }),
  };
}

test("B8.5 B1.7 a rebuild replaces all servers, one more at a time and never one less", async () => {
  const world = await worldAt(4);
  await start(world);
  const watched = watchServing(world);
  await watched.until("completed");
  await converges(world, 4);
  assert.deepEqual(watched.bounds(), { fewest: 4, most: 5 });
  assert.deepEqual(await revisionsOf(world), [2, 2, 2, 2]);
  const images = world.cloud.servers().map(({ id }) => world.cloud.launchOf(id)?.image);
  assert.deepEqual(images, ["newer", "newer", "newer", "newer"]);
  assertNothingTwice(world);
  const types = await typesOf(world);
  assert.deepEqual(types, [
    "rebuild.started",
    ...Array.from({ length: 4 }, () => "rebuild.batch"),
    "rebuild.completed",
  ]);
  const events = await world.events();
  const { id: started } = events.find(({ type }) => type === "rebuild.started")!;
  const of = events.filter(({ parent }) => parent === started).map(({ type }) => type);
  assert.equal(of.filter((type) => type === "server.intended").length, 4, "its own servers");
  assert.equal(of.filter((type) => type === "server.draining").length, 4, "and those they replace");
  assertGapFree(events);
  await assertKept(world);
});

test("B8.5 without surge, as many are taken out first as may be missing, and no more", async () => {
  const world = await worldAt(4);
  await start(world, { surge: servers(0), unavailable: { kind: "percent", percent: 50 } });
  const watched = watchServing(world);
  await watched.until("completed");
  assert.deepEqual(watched.bounds(), { fewest: 2, most: 4 });
  assert.deepEqual(await revisionsOf(world), [2, 2, 2, 2]);
  await assertKept(world);
});

test("B8.5 a rebuild survives a crash in the middle of every second", async () => {
  const world = await worldAt(3);
  await start(world);
  for (let crashes = 0; crashes < 40 && (await phaseOf(world)) !== "completed"; crashes++) {
    await world.clock.advance(1_700);
    await world.crash();
  }
  await reaches(world, "completed");
  await converges(world, 3);
  assert.deepEqual(await revisionsOf(world), [2, 2, 2]);
  assertNothingTwice(world);
  await assertKept(world);
});

test("B8.5 B8.2 it is begun once, however often it is ordered; cancelled, servers stay", async () => {
  const world = await worldAt(4);
  const first = await start(world);
  const again = await start(world);
  assert.equal(again.placements[0]?.rebuild?.mark.id, first.placements[0]?.rebuild?.mark.id);
  await world.until("one is replaced", async () => (await revisionsOf(world)).includes(2));
  await say(world, { kind: "cancel" });
  await say(world, { kind: "cancel" });
  await converges(world, 4);
  const left = await revisionsOf(world);
  await world.clock.advance(minutes(5));
  assert.deepEqual(await revisionsOf(world), left);
  assert.ok(left.includes(1));
  const types = await typesOf(world);
  assert.equal(types.filter((type) => type === "rebuild.started").length, 1);
  assert.equal(types.filter((type) => type === "rebuild.cancelled").length, 1);
});

test("B8.5 B8.3 a paused group's rebuild stands still, and goes on once it is resumed", async () => {
  const world = await worldAt(3);
  await start(world);
  await world.run(world.node().groups.pause(web, "wait", world.caller));
  await world.clock.advance(1_000);
  const before = world.cloud.effects.length;
  await world.clock.advance(minutes(3));
  assert.equal(world.cloud.effects.length, before);
  await world.run(world.node().groups.resume(web, world.caller));
  await reaches(world, "completed");
  await converges(world, 3);
});

test("B8.5 B4.4 protected servers are left, and it says so", async () => {
  const world = await worldAt(3);
  const [one] = await rowsOf(world);
  const request = { key: web, server: one!.id, protect: true };
  await world.run(world.node().servers.protect(request, world.caller));
  await start(world);
  await reaches(world, "completed");
  await converges(world, 3);
  assert.deepEqual(await revisionsOf(world), [1, 2, 2]);
  const done = (await world.events()).find(({ type }) => type === "rebuild.completed");
  assert.equal(done?.causes?.find(({ code }) => code === "REBUILD_PROTECTED")?.facts["count"], 1);
});

test("B8.5 B3.2 it waits at its checkpoints: for a time, or until somebody says continue", async () => {
  const world = await worldAt(10);
  await start(world, { surge: servers(3), checkpoints: [10, 50] });
  await reaches(world, "waiting");
  await world.clock.advance(minutes(30));
  assert.deepEqual((await rebuildOf(world))?.current, 1);
  await say(world, { kind: "continue" });
  await reaches(world, "waiting");
  await converges(world, 10);
  assert.deepEqual((await revisionsOf(world)).filter((one) => one === 2).length, 5);
  await say(world, { kind: "continue" });
  await reaches(world, "completed");
  const timed = await worldAt(4);
  await start(timed, { checkpoints: [50], checkpointWaitMs: minutes(5) });
  await reaches(timed, "waiting");
  const sinceMs = timed.clock.nowMs();
  await reaches(timed, "completed");
  assert.ok(timed.clock.nowMs() - sinceMs >= minutes(5));
});

test("B8.5 it rests between batches", async () => {
  const world = await worldAt(3);
  await start(world, { pauseMs: minutes(10) });
  const sinceMs = world.clock.nowMs();
  await reaches(world, "completed", minutes(60));
  assert.ok(world.clock.nowMs() - sinceMs >= minutes(20), "twice between three batches");
  assert.ok(world.clock.nowMs() - sinceMs < minutes(24));
});

test("B8.5 failed new servers stop it, and scaling out uses the last proven revision again", async () => {
  const world = await worldAt(3);
  const bad = world.cloud.inject({ kind: "buildError", text: "no such kernel", image: "newer" });
  await start(world, { stopAfter: 2 });
  await reaches(world, "stopped", minutes(60));
  await converges(world, 3);
  assert.ok(bad.fired() > 0);
  assert.deepEqual(await revisionsOf(world), [1, 1, 1]);
  await setTarget(world, 5);
  await converges(world, 5);
  assert.deepEqual(await revisionsOf(world), [1, 1, 1, 1, 1]);
});

test("B8.5 a completed rebuild is taken back by hand, and then nothing is left to take back", async () => {
  const world = await worldAt(3);
  await start(world);
  await reaches(world, "completed");
  await say(world, { kind: "rollBack" });
  const watched = watchServing(world);
  await watched.until("rolledBack");
  assert.deepEqual(watched.bounds(), { fewest: 3, most: 4 });
  await converges(world, 3);
  assert.deepEqual(await revisionsOf(world), [1, 1, 1]);
  await setTarget(world, 4);
  await converges(world, 4);
  assert.deepEqual(await revisionsOf(world), [1, 1, 1, 1]);
  await assert.rejects(say(world, { kind: "rollBack" }), (error) => isFault(error, "NO_WAY_BACK"));
  await assertKept(world);
});

test("B8.5 a rebuild that fails half way takes itself back where it is asked to", async () => {
  const world = await worldAt(4);
  await start(world, { stopAfter: 1, rollBack: true, pauseMs: minutes(1) });
  await world.until("one is replaced", async () => (await revisionsOf(world)).includes(2));
  const bad = world.cloud.inject({ kind: "buildError", text: "no such kernel", image: "newer" });
  await reaches(world, "rolledBack", minutes(60));
  assert.ok(bad.fired() > 0);
  await converges(world, 4);
  assert.deepEqual(await revisionsOf(world), [1, 1, 1, 1]);
  await assertKept(world);
});

test("B8.5 B1.6 a scale event during a rebuild is taken as ever, and never passes the surge", async () => {
  const world = await worldAt(3);
  await start(world);
  await world.until("it rolls", async () => (await revisionsOf(world)).includes(2));
  await setTarget(world, 6);
  const watched = watchServing(world);
  await watched.until("completed");
  await converges(world, 6);
  assert.ok(watched.bounds().most <= 7);
  assert.deepEqual(await revisionsOf(world), [2, 2, 2, 2, 2, 2]);
  await assertKept(world);
});

test("B8.5 B8.4 deleting the group ends its rebuild", async () => {
  const world = await worldAt(3);
  await start(world);
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await world.until("nothing is left", () => world.cloud.servers().length === 0);
  assert.ok((await typesOf(world)).includes("rebuild.cancelled"));
});
