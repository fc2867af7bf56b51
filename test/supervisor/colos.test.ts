import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { ScaleAsk } from "../../src/core/model/scale-event.js";
import { createGroup, groupSpec, placed, web } from "./asks.js";
import { createWorld, type Node, type World } from "./world.js";

/** Two colos, each served by a node of its own. */

async function createPair() {
  const world = await createWorld({ colos: ["iad", "ams"], node: { colos: ["iad"] } });
  const ams = await world.join("node-ams", ["ams"]);
  const placements = [placed("iad", { max: 10 }), placed("ams", { max: 10 })];
  await createGroup(world, groupSpec({ placements }));
  return { world, ams };
}

const askOf = (world: World, node: Node, ask: ScaleAsk, requestId?: string) =>
  node.supervisor.scaling.submit(
    { key: web, source: "manual", ask, ...(requestId === undefined ? {} : { requestId }) },
    world.caller,
  );

const decidedIn = async (world: World) =>
  (await world.events()).filter(({ type }) => type === "scale.decided").map(({ colo }) => colo);

/** The decision is on record, and its answer has not left yet. */
async function cutOnceDecided(world: World): Promise<void> {
  const { taps, peerLinks } = world.cluster;
  let isDecided = false;
  const stop = taps.listen({
    committed({ events }) {
      if (!events.some(({ type }) => type === "scale.decided")) return;
      isDecided = true;
      peerLinks.cut("iad", "ams");
    },
  });
  await world.until("it is decided", () => isDecided);
  stop();
}

test("B11.2 whichever colo is asked, the first of the group's list decides", async () => {
  const { world, ams } = await createPair();
  const receipt = await world.run(askOf(world, ams, { kind: "target", target: 4 }));
  assert.equal(receipt.newTarget, 4);
  assert.deepEqual(await decidedIn(world), ["iad"]);
});

test("B11.2 the next one of the list decides while the first cannot be reached", async () => {
  const { world, ams } = await createPair();
  world.cluster.peerLinks.cut("iad", "ams");
  await world.run(askOf(world, ams, { kind: "change", change: 2 }));
  assert.deepEqual(await decidedIn(world), ["ams"]);
  world.cluster.peerLinks.mend("iad", "ams");
  await world.run(askOf(world, ams, { kind: "change", change: 2 }));
  assert.deepEqual(await decidedIn(world), ["ams", "iad"]);
});

test("B3.1 B11.2 an answer that is lost between colos is asked for again, not decided again", async () => {
  const { world, ams } = await createPair();
  const asked = askOf(world, ams, { kind: "change", change: 2 });
  await cutOnceDecided(world);
  await world.clock.advance(1_000);
  world.cluster.peerLinks.mend("iad", "ams");
  assert.equal((await world.run(asked)).newTarget, 2);
  assert.ok(world.cluster.peerNet.lost.answers > 0, "no answer was lost");
  assert.deepEqual(await decidedIn(world), ["iad"]);
});

test("B11.2 what may have been decided elsewhere is not decided by the next one", async () => {
  const { world, ams } = await createPair();
  const asked = askOf(world, ams, { kind: "change", change: 2 }, "r1");
  await cutOnceDecided(world);
  await assert.rejects(world.run(asked), (error) => isFault(error, "PEER_UNKNOWN"));
  assert.ok(world.cluster.peerNet.lost.answers > 0, "no answer was lost");
  assert.deepEqual(await decidedIn(world), ["iad"]);
});
