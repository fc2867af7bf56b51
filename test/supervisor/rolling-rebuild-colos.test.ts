import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { RebuildWord } from "../../src/supervisor/api.js";
import { assertKept, converges, groupSpec, rowsOf, setTarget, view, web } from "./asks.js";
import { createPair, edit, join, part } from "./pair.js";
import type { Node, World } from "./world.js";

const plain = { pauseMs: 0, checkpoints: [], stopAfter: 2, rollBack: false } as const;
const begin: RebuildWord = { kind: "start", options: plain };
const newer = { ...groupSpec().launch, image: "newer" };

async function pairAt(servers: number): Promise<{ readonly world: World; readonly ams: Node }> {
  const pair = await createPair();
  await setTarget(pair.world, servers);
  await converges(pair.world, servers);
  await edit(pair.world, (spec) => ({ ...spec, launch: newer }));
  // What the other colo is told of, it has by now.
  await pair.world.clock.advance(5_000);
  return pair;
}

const say = ({ supervisor }: Pick<Node, "supervisor">, world: World, word: RebuildWord) =>
  world.run(supervisor.groups.rebuild({ key: web, word }, world.caller));
const phaseIn = async (world: World, colo: string) =>
  (await view(world)).placements.find((one) => one.colo === colo)?.rebuild?.mark.phase;

test("B8.5 B11.1 colos are rebuilt one after the other, in the group's order", async () => {
  const { world, ams } = await pairAt(4);
  await say(ams, world, begin);
  await world.until("iad is done", async () => {
    const [iad, other] = [await phaseIn(world, "iad"), await phaseIn(world, "ams")];
    if (iad === "rolling") assert.notEqual(other, "rolling");
    return iad === "completed";
  });
  await world.until("ams is, too", async () => (await phaseIn(world, "ams")) === "completed");
  await converges(world, 4);
  const revisions = (await rowsOf(world)).map(({ launchRevision }) => launchRevision);
  assert.deepEqual(revisions, [2, 2, 2, 2]);
  const orders = (await view(world)).placements.map(({ rebuild }) => rebuild?.mark.id);
  assert.equal(new Set(orders).size, 1, "one order for both");
  const events = await world.events();
  const firstOf = (colo: string) => events.find((one) => one.colo === colo && isBatch(one.type));
  const doneIn = (colo: string) =>
    events.find((one) => one.colo === colo && one.type === "rebuild.completed");
  assert.ok(firstOf("ams")!.atMs >= doneIn("iad")!.atMs);
  await assertKept(world);
});

const isBatch = (type: string) => type === "rebuild.batch";

test("B8.5 what stops a rebuild in one colo keeps it from those behind it", async () => {
  const { world } = await pairAt(4);
  const text = "no such kernel";
  const bad = world.clouds.get("iad")!.inject({ kind: "buildError", text, image: "newer" });
  await say({ supervisor: world.node() }, world, begin);
  await world.until("it is stopped", async () => (await phaseIn(world, "iad")) === "stopped");
  assert.ok(bad.fired() > 0);
  await world.until("in ams, too", async () => (await phaseIn(world, "ams")) === "cancelled");
  await converges(world, 4);
  const revisions = (await rowsOf(world)).map(({ launchRevision }) => launchRevision);
  assert.deepEqual(revisions, [1, 1, 1, 1]);
});

test("B8.5 B11.3 a colo that could not be told of a rebuild hears of it later", async () => {
  const { world } = await pairAt(4);
  part(world);
  const asked = say({ supervisor: world.node() }, world, begin);
  await assert.rejects(asked, (error) => isFault(error, "COLO_UNREACHABLE"));
  await world.until("iad is done", async () => (await phaseIn(world, "iad")) === "completed");
  assert.equal(await phaseIn(world, "ams"), undefined);
  join(world);
  await world.until("ams is, too", async () => (await phaseIn(world, "ams")) === "completed");
  await converges(world, 4);
  await assertKept(world);
});

test("B8.5 B11.3 a word to go on does not make a cut-off colo miss the rebuild itself", async () => {
  const { world, ams } = await pairAt(4);
  part(world);
  for (const word of [begin, { kind: "continue" }] as const)
    await assert.rejects(say(ams, world, word), (error) => isFault(error, "COLO_UNREACHABLE"));
  // What is on its way to iad does not get there either.
  await world.clock.advance(30_000);
  assert.equal(await phaseIn(world, "iad"), undefined);
  join(world);
  for (const colo of ["iad", "ams"])
    await world.until("it is done", async () => (await phaseIn(world, colo)) === "completed");
  await converges(world, 4);
});

test("B8.5 B11.3 an order that is repeated is one rebuild, whichever of them a colo hears", async () => {
  const { world, ams } = await pairAt(4);
  part(world);
  for (const word of [begin, begin])
    await assert.rejects(say(ams, world, word), (error) => isFault(error, "COLO_UNREACHABLE"));
  // The first one's way to iad is over before it is mended.
  await world.clock.advance(30_000);
  join(world);
  for (const colo of ["iad", "ams"])
    await world.until("it is done", async () => (await phaseIn(world, colo)) === "completed");
  await converges(world, 4);
});

test("B8.5 B8.3 a rebuild is cancelled in a colo that is cut off", async () => {
  const { world, ams } = await pairAt(4);
  await say(ams, world, begin);
  await world.until("ams begins", async () => (await phaseIn(world, "ams")) === "rolling");
  part(world);
  const asked = say(ams, world, { kind: "cancel" });
  await assert.rejects(asked, (error) => isFault(error, "COLO_UNREACHABLE"));
  await world.clock.advance(1_000);
  join(world);
  await world.clock.advance(30_000);
  await world.until("it is cancelled", async () => (await phaseIn(world, "ams")) === "cancelled");
});
