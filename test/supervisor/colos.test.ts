import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { ColoId } from "../../src/core/model/ids.js";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import { sayCause } from "../../src/core/model/say-cause.js";
import type { AuditBatch } from "../../src/supervisor/api.js";
import { isUnanswered } from "../../src/supervisor/peers/ask-peer.js";
import {
  converges,
  createPolicy,
  placed,
  policySpec,
  rowsOf,
  setTarget,
  targetOf,
  upId,
  view,
  web,
} from "./asks.js";
import { askOf, createPair, edit, join, part, serversIn } from "./pair.js";
import type { World } from "./world.js";

const decidedIn = async (world: World) =>
  (await world.events())
    .filter(({ type }) => type === "scale.decided")
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ colo }) => colo);

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

test("B11.1 B11.2 a target is split over colos, and each makes its part", async () => {
  const { world, ams } = await createPair();
  assert.equal((await setTarget(world, 7)).newTarget, 7);
  await converges(world, 7);
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [4, 3]);
  await world.run(askOf(world, ams, { kind: "change", change: -3 }));
  await converges(world, 4);
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [2, 2]);
});

test("B11.3 apart, each colo leads within its own limits, and the newest decision stands", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  part(world);
  assert.equal((await setTarget(world, 40)).newTarget, 20);
  await world.until("iad is at its max", () => serversIn(world, "iad") === 10);
  assert.equal(serversIn(world, "ams"), 2, "ams was told, though it is cut off");
  const apart = await world.run(askOf(world, ams, { kind: "change", change: 4 }));
  assert.equal(apart.newTarget, 8);
  await world.until("ams has its own part", () => serversIn(world, "ams") === 4);
  join(world);
  await converges(world, 8);
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [4, 4]);
});

test("B3.1 what one colo decided while it led alone, another answers again later", async () => {
  const { world, ams } = await createPair();
  world.cluster.peerLinks.cut("iad", "ams");
  const first = await world.run(askOf(world, ams, { kind: "change", change: 2 }, "r1"));
  join(world);
  await world.clock.advance(1_000);
  const again = await world.run(askOf(world, ams, { kind: "change", change: 2 }, "r1"));
  assert.deepEqual(again, first);
  assert.deepEqual(await decidedIn(world), ["ams"]);
});

test("B8.3 a pause holds in a colo that is cut off, and says where it is yet to be told", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  part(world);
  const pause = () => world.run(ams.supervisor.groups.pause(web, "why", world.caller));
  await assert.rejects(
    pause(),
    (error) => isFault(error, "COLO_UNREACHABLE") && error.facts["colos"] === "iad",
  );
  await world.run(askOf(world, ams, { kind: "change", change: 4 }));
  await world.clock.advance(30_000);
  assert.equal(serversIn(world, "ams"), 2);
  join(world);
  assert.ok((await pause()).placements.some(({ paused }) => paused));
  await world.until("both show it", async () =>
    (await view(world)).placements.every(({ paused }) => paused !== undefined),
  );
  await world.run(world.node().groups.resume(web, world.caller));
});

test("B8.1 a server is deleted through a node of any colo", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 2);
  await converges(world, 2);
  for (const { id } of await rowsOf(world))
    await world.run(
      ams.supervisor.servers.delete({ key: web, server: id, replace: false }, world.caller),
    );
  await converges(world, 0);
  assert.equal(await targetOf(world), 0);
});

test("B1.6 an edit reaches the other colo although no node of it can be asked", async () => {
  const { world } = await createPair();
  await setTarget(world, 20);
  await converges(world, 20);
  world.cluster.peerLinks.cut("iad", "ams");
  const placements = [placed("iad", { max: 3 }), placed("ams", { max: 3 })];
  await edit(world, (spec) => ({ ...spec, placements }));
  await converges(world, 6, 60_000);
});

test("B11.5 without most of the colos no group is edited, and what there is scales on", async () => {
  const { world } = await createPair();
  part(world);
  await assert.rejects(
    edit(world, (spec) => ({ ...spec, surge: 1 })),
    (error) => isFault(error, "STORE_UNAVAILABLE"),
  );
  await setTarget(world, 4);
  await world.until("iad has its part", () => serversIn(world, "iad") > 0);
});

test("M7.1 a node that starts while its colo is cut off has what it needs to scale", async () => {
  const { world, ams } = await createPair({ needsCredentials: true });
  await setTarget(world, 2);
  await converges(world, 2);
  await world.clock.advance(1_000);
  part(world);
  ams.wires.cut();
  const heir = await world.join("node-ams-2", ["ams"]);
  assert.equal((await world.run(askOf(world, heir, { kind: "target", target: 8 }))).newTarget, 8);
  await world.until("ams has its part", () => serversIn(world, "ams") === 4);
});

test("B8.4 a group is gone only when its servers are in every colo", async () => {
  const { world } = await createPair();
  await setTarget(world, 6);
  await converges(world, 6);
  world.cluster.peerLinks.cut("iad", "ams");
  const asked = () =>
    world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await asked();
  await world.until("nothing runs", () => serversIn(world, "iad") + serversIn(world, "ams") === 0);
  await world.clock.advance(60_000);
  assert.deepEqual(await asked(), { draining: true }, "it was said before that it ends");
  assert.ok((await view(world)).group.deleting, "it went although nobody could ask ams");
  join(world);
  await world.until("it is gone", async () => {
    return world.run(world.node().groups.get(web, world.caller)).then(
      () => false,
      (error: unknown) => isFault(error, "GROUP_NOT_FOUND"),
    );
  });
});

test("B11.4 a max that an edit moves is raised only once the colo that gives it has lowered its own", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 20);
  await converges(world, 20);
  const maxes = await watchMaxes(world);
  // What nodes ask each other is lost, and what stores copy arrives late.
  world.cluster.peerLinks.cut("iad", "ams");
  const placements = [placed("iad", { max: 16 }), placed("ams", { max: 4 })];
  await edit(world, (spec) => ({ ...spec, placements }));
  await world.until("ams has lowered its max", () => maxes.last("ams") === 4, 60_000);
  await world.until("iad has raised its own", () => maxes.last("iad") === 16, 60_000);
  assert.ok(maxes.most() <= 20, `${maxes.most()} in all`);
  world.cluster.peerLinks.mendAll();
  await world.run(askOf(world, ams, { kind: "target", target: 20 }));
  await converges(world, 20);
  assert.deepEqual([serversIn(world, "iad"), serversIn(world, "ams")], [16, 4]);
});

test("B11.4 M3.1 while the colo that gives is stopped the one that takes waits, and says so", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 20);
  await converges(world, 20);
  await world.clock.advance(1_000);
  ams.wires.cut();
  const maxes = await watchMaxes(world);
  const placements = [placed("iad", { max: 16 }), placed("ams", { max: 4 })];
  await edit(world, (spec) => ({ ...spec, placements }));
  await setTarget(world, 40);
  await world.clock.advance(60_000);
  assert.equal(serversIn(world, "iad"), 10);
  const iad = (await view(world)).placements[0]!;
  const waiting = iad.conditions.find(({ type }) => type === "waiting");
  const [why] = waiting?.causes.filter(({ code }) => code === "RAISE_WAITS") ?? [];
  assert.deepEqual(why?.facts, { colos: "ams", max: 10, wanted: 16 });
  assert.equal(
    sayCause(why!),
    "Waits for ams to lower its max before the one here is raised from 10 to 16.",
  );
  await world.join("node-ams-2", ["ams"]);
  await world.until("iad has raised its own", () => maxes.last("iad") === 16, 120_000);
  assert.ok(maxes.most() <= 20, `${maxes.most()} in all`);
});

/** Each placement's max as it is committed, and the most that there ever was in all. */
async function watchMaxes(world: World) {
  const placements = (await view(world)).group.placements;
  const last = new Map<string, number>(placements.map(({ colo, max }) => [colo, max]));
  let most = 0;
  world.cluster.taps.listen({
    committed({ partition, puts }) {
      const doc = puts.find(({ kind }) => kind === "doc");
      if (partition.scope !== "placement" || !doc) return;
      const { key, max } = JSON.parse(doc.value) as PlacementDoc;
      last.set(key.colo, max);
      most = Math.max(
        most,
        [...last.values()].reduce((sum, one) => sum + one, 0),
      );
    },
  });
  return { last: (colo: string) => last.get(colo), most: () => most };
}

test("B11.3 B8.3 a colo that could not be told of a pause hears of it later", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  part(world);
  const untold = (error: unknown) => isFault(error, "COLO_UNREACHABLE");
  await assert.rejects(world.run(ams.supervisor.groups.pause(web, "why", world.caller)), untold);
  await setTarget(world, 8);
  await world.until("iad goes on by itself", () => serversIn(world, "iad") === 4);
  join(world);
  const pausedIn = async (colo: string) =>
    (await view(world)).placements.find((one) => one.colo === colo)?.paused;
  await world.until("iad is paused", async () => (await pausedIn("iad")) !== undefined, 30_000);
  assert.equal((await pausedIn("iad"))?.reason, "why");
});

test("B11.3 of a pause and its end that a colo could not be told the newest stands", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 2);
  await converges(world, 2);
  part(world);
  const untold = (error: unknown) => isFault(error, "COLO_UNREACHABLE");
  const { groups } = ams.supervisor;
  await assert.rejects(world.run(groups.pause(web, "first", world.caller)), untold);
  await world.clock.advance(5_000);
  await assert.rejects(world.run(groups.resume(web, world.caller)), untold);
  await world.clock.advance(1_000); // The first word may be on its way again.
  join(world);
  await world.clock.advance(30_000);
  const pauses = async () => (await world.events()).filter(({ type }) => type === "group.paused");
  assert.deepEqual(
    (await pauses()).map(({ colo }) => colo),
    ["ams"],
  );
  part(world);
  await assert.rejects(world.run(groups.pause(web, "second", world.caller)), untold);
  await world.clock.advance(5_000);
  // Whoever comes to the other side knows better by now.
  await assert.rejects(world.run(world.node().groups.resume(web, world.caller)), untold);
  join(world);
  await world.clock.advance(30_000);
  assert.ok((await view(world)).placements.every(({ paused }) => paused === undefined));
});

test("M3.3 B9.6 what is asked of a colo is answered through a node of any", async () => {
  const { world, ams } = await createPair({ needsCredentials: true });
  await setTarget(world, 4);
  await converges(world, 4);
  await world.clock.advance(1_000);
  const cloud = world.clouds.get("ams")!;
  const { ownership } = cloud.servers()[0]!;
  cloud.addForeign({ account: web.account, name: "a copy", ownership: ownership! });
  const { servers, colos } = world.node();
  const orphans = () => world.run(servers.orphans(web.account, world.caller));
  await world.until("it is reported", async () => (await orphans()).length === 1, 400_000);
  assert.equal((await orphans())[0]?.key.colo, "ams");
  const batches: AuditBatch[] = [];
  const audit = async () => {
    for await (const one of colos.audit({ colo: "ams" as ColoId }, world.caller)) batches.push(one);
  };
  await world.run(audit());
  assert.equal(batches.at(-1)?.counts?.ledgerServers, 2);
  assert.equal(batches.flatMap(({ differences }) => differences).length, 1);
  const asked = { colo: "ams" as ColoId, account: web.account, isForced: false };
  const { project } = await world.run(colos.repin(asked, world.caller));
  assert.equal(project, "project-of-acme");
  ams.wires.cut();
  assert.deepEqual(await orphans(), [], "of a colo that cannot be reached");
  await assert.rejects(world.run(audit()), isUnanswered);
});

test("M3.2 what is read of another colo's placement says as of when", async () => {
  const { world } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  await world.clock.advance(20_000);
  const ageIn = async (colo: string) => {
    const { copySeenAtMs } = (await view(world)).placements.find((one) => one.colo === colo)!;
    return copySeenAtMs === undefined ? undefined : world.clock.nowMs() - copySeenAtMs;
  };
  assert.equal(await ageIn("iad"), undefined);
  assert.ok((await ageIn("ams"))! < 12_000);
  world.cluster.storeLinks.cut("iad", "ams");
  await world.clock.advance(60_000);
  assert.ok((await ageIn("ams"))! >= 55_000);
  const page = { key: web, pageSize: 10, states: [] };
  const { items } = await world.run(world.node().servers.list(page, world.caller));
  for (const { colo, copySeenAtMs } of items)
    assert.equal(copySeenAtMs !== undefined, colo === "ams");
  const { causes } = await setTarget(world, 6);
  assert.ok(Number(causes[0]?.facts["othersSeenBeforeMs"]) >= 55_000);
  world.cluster.storeLinks.mend("iad", "ams");
  await world.clock.advance(30_000);
  assert.ok((await ageIn("ams"))! >= 85_000, "what was missed may still be on its way");
  await world.clock.advance(50_000);
  assert.ok((await ageIn("ams"))! < 12_000);
});

test("B3.3 B11.2 a colo that does not lead any more hands its alerts over, and ceases to repeat them", async () => {
  const { world, ams } = await createPair();
  await createPolicy(world, policySpec());
  await world.clock.advance(20_000);
  part(world);
  const ask = { kind: "alert", policy: upId, key: "cpu", state: "critical" } as const;
  await world.run(ams.supervisor.scaling.submit({ key: web, source: "alert", ask }, world.caller));
  await world.until("it repeats", () => serversIn(world, "ams") === 2, 100_000);
  const apart = (await decidedIn(world)).length;
  join(world);
  await world.until(
    "the lead repeats",
    async () => (await decidedIn(world)).length >= apart + 2,
    180_000,
  );
  assert.deepEqual([...new Set((await decidedIn(world)).slice(apart))], ["iad"]);
  await world.clock.advance(30_000);
  const decided = (await world.events()).filter(({ type }) => type === "scale.decided");
  const times = decided.map(({ atMs }) => atMs).toSorted((a, b) => a - b);
  for (let at = 1; at < times.length; at++)
    assert.ok(times[at]! - times[at - 1]! >= 60_000, "two of them repeated it");
});
