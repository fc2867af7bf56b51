import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { Store } from "../../src/core/ports/store.js";
import {
  assertKept,
  converges,
  createGroup,
  firstServer,
  groupSpec,
  placed,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

/** The monitor in a whole Muster: silent while all is well, heard when the outside lies. */

const broken = async (world: World) =>
  (await world.events())
    .filter(({ type }) => type === "invariant.violated")
    .map(({ facts }) => facts["invariant"]);

/** A node whose feed lacks the first entry of a server's protection. */
async function loseFromFeed(world: World): Promise<() => boolean> {
  const { store } = world;
  const readFeed = store.readFeed.bind(store);
  let dropped: string | undefined;
  const bent: Pick<Store, "readFeed"> = {
    async readFeed(after, entriesMax, call) {
      const page = await readFeed(after, entriesMax, call);
      dropped ??= page.find(({ event }) => event.type === "server.protected")?.event.id;
      return page.filter(({ event }) => event.id !== dropped);
    },
  };
  Object.assign(store, bent);
  await world.crash(); // Nodes take the store as it is when they begin.
  return () => dropped !== undefined;
}

test("I7 a feed that loses an event: told, paused, and never again once a person resumes", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const fired = await loseFromFeed(world);
  await setTarget(world, 2); // Where a reader begins is no gap: it begins here.
  await world.clock.advance(2_000);
  const server = await firstServer(world);
  const protect = (on: boolean) =>
    world.run(world.node().servers.protect({ key: web, server, protect: on }, world.caller));
  await protect(true);
  await protect(false);
  await world.clock.advance(2_000);
  assert.ok(fired());
  assert.deepEqual(await broken(world), ["I7"]);

  const paused = (await view(world)).placements[0]!;
  assert.equal(paused.paused?.principal, "muster:monitor");
  assert.match(paused.paused?.reason ?? "", /^invariant I7 /);
  await world.clock.advance(30_000);
  const shown = (await view(world)).placements[0]!.conditions.find(({ type }) => type === "paused");
  assert.equal(shown?.holds, true);
  assert.match(String(shown?.causes[0]?.facts["reason"]), /I7/);
  const refused = await setTarget(world, 4);
  assert.equal(refused.causes[0]?.code, "PAUSED");

  await world.run(world.node().groups.resume(web, world.caller));
  await setTarget(world, 4);
  await converges(world, 4, 60_000);
  await world.crash();
  await world.clock.advance(600_000);
  assert.deepEqual(await broken(world), ["I7"]);
  assert.equal((await view(world)).placements[0]!.paused, undefined);
});

test("I7 the monitor's pause stops creates and deletes; load balancers are kept right", async () => {
  const world = await createWorld();
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  await setTarget(world, 3);
  await converges(world, 3);
  await loseFromFeed(world);
  const server = await firstServer(world);
  for (const on of [true, false])
    await world.run(world.node().servers.protect({ key: web, server, protect: on }, world.caller));
  await world.until("paused", async () => (await view(world)).placements[0]!.paused !== undefined);
  const pausedAtMs = world.clock.nowMs();
  const [first] = world.balancers.members(lb);
  const { cloud, balancers } = world;
  const removed = { kind: "remove", host: first!.host, port: first!.port } as const;
  const { signal } = world.caller;
  await world.run(
    balancers.openDriver().changeMembers({ account: web.account, id: lb }, [removed], { signal }),
  );
  cloud.vanish(cloud.servers()[2]!.id);
  await world.clock.advance(400_000);
  assert.equal(balancers.members(lb).length >= 2, true, "what was taken out is put back");
  assert.deepEqual(
    cloud.calls.filter(({ beganAtMs }) => beganAtMs > pausedAtMs),
    [],
    "nothing is created or deleted",
  );
  const theirs = world.node().groups.pause(web, "maintenance", world.caller);
  assert.equal((await world.run(theirs)).placements[0]!.paused?.principal, "tester");
  await world.run(world.node().groups.resume(web, world.caller));
  await converges(world, 3, 400_000);
});

test("I1 B9.6 a server with our tags is reported, also when nobody can look it up: no alarm", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 1);
  await converges(world, 1);
  const tags = { ...world.cloud.servers()[0]!.ownership!, server: "never-on-record" };
  const account = web.account;
  world.cloud.addForeign({ account, name: "copy", ownership: tags });
  await world.clock.advance(30 * 60_000);
  await assertKept(world);
  const reported = async () =>
    (await world.events()).filter(({ type }) => type === "server.orphan").length;
  assert.equal(await reported(), 1, "it was reported");

  const deny = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  const other = { ...tags, server: "never-on-record-either" };
  world.cloud.addForeign({ account, name: "copy", ownership: other });
  await world.clock.advance(60 * 60_000);
  assert.ok((world.cloud.fired().get("refuse") ?? 0) > 0);
  assert.equal(await reported(), 2, "it was reported unseen");
  await assertKept(world);
  deny.off();
});

test("I1 a server of a group that is long gone is found when it cannot be reported", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 1);
  await converges(world, 1);
  const { ownership } = world.cloud.servers()[0]!;
  const other = { ...web, group: "other" as typeof web.group };
  await createGroup(world, groupSpec(), other);
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await world.until("gone", () => world.cloud.servers().length === 0);
  await world.clock.advance(300_000);
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  world.cloud.addForeign({ account: web.account, name: "late", ownership: ownership! });
  await world.clock.advance(60 * 60_000);
  assert.ok(blind.fired() > 0);
  assert.deepEqual(await broken(world), ["I1"]);
});

/** Whose changes are lost or overtaken five times in a row is told so, and asks again. */
async function insistOn(world: World, target: number): Promise<void> {
  const again = (error: unknown) => {
    if (!isFault(error, "PLACEMENT_CHANGED")) throw error;
    return insistOn(world, target);
  };
  await setTarget(world, target).catch(again);
}

test("zombies, successors and lost answers are no alarm", async () => {
  const world = await createWorld({ cloud: { createDeadlineMs: 4_000 } });
  await createGroup(world);
  const second = await world.join("node-2");
  world.cloud.inject({ kind: "lateCreate", delayMs: 9_000 }, { share: 0.3 });
  world.cloud.inject({ kind: "answerLost", on: "create" }, { share: 0.3 });
  world.storeFaults.chance.lostAfterCommit = 0.2;
  world.storeFaults.chance.lostBeforeCommit = 0.2;
  for (let round = 0; round < 12; round++) {
    await insistOn(world, (round * 5) % 13);
    await world.clock.advance(4_000);
    const frozen = round % 2 === 0 ? world.nodeWires() : second.wires;
    frozen.freeze();
    await world.clock.advance(20_000);
    frozen.thaw();
    await world.clock.advance(1_000);
  }
  assert.ok((world.cloud.fired().get("lateCreate") ?? 0) > 0);
  assert.ok((world.cloud.fired().get("answerLost") ?? 0) > 0);
  assert.ok(world.storeFaults.fired.lostAfterCommit > 0);
  world.heal();
  await setTarget(world, 5);
  await converges(world, 5, 4_000_000);
  await world.clock.advance(3_600_000);
  await assertKept(world);
});
