import assert from "node:assert/strict";
import { test } from "node:test";
import { admit, createAdmissionState } from "../../../src/core/admission/admit.js";
import type { AdmissionState } from "../../../src/core/admission/model.js";
import { isFault } from "../../../src/core/errors/fault.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  NodeId,
} from "../../../src/core/model/ids.js";
import { createMemoryStore, createStoreFaults } from "../../../src/drivers/store-memory/index.js";
import { createBrakes } from "../../../src/supervisor/colo/brakes.js";
import { createGate } from "../../../src/supervisor/colo/gate.js";
import { createLeases, defaultLeaseTimes } from "../../../src/supervisor/colo/leases.js";
import { sleep } from "../../../src/supervisor/sleep.js";
import {
  alert,
  assertNeverMoreThan,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  submit,
  targetOf,
  web,
} from "../../supervisor/asks.js";
import { createWorld, lb } from "../../supervisor/world.js";
import {
  balancedStoryAt,
  changesBy,
  minutes,
  seconds,
  storyAt,
  watchedWorld,
  witness,
} from "../stories/story.js";
import { createRandom, createSeededIds, createVirtualClock } from "../virtual-clock.js";

/** Short lives that show what a single guard is for, where no story of others does. */

test("B9.1 a node that shuts down begins no delete that it was only looking at", async () => {
  const world = await storyAt(6);
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 3_000 });
  const seen = witness(world);
  await setTarget(world, 0);
  await world.clock.advance(seconds(1));
  assert.equal(slow.fired(), 6);
  await world.run(world.node().stop(30_000));
  await world.clock.advance(minutes(1));
  assert.equal(seen.deletes(), 0);
});

test("B9.1 a reading of the switch that began before a setting does not undo it", async () => {
  const clock = createVirtualClock();
  const store = createMemoryStore({ clock, random: createRandom(1) });
  const { signal } = new AbortController();
  let lateMs = 0;
  const load: typeof store.load = async (...asked) => {
    const loaded = await store.load(...asked);
    if (lateMs > 0) await sleep(clock, lateMs, signal);
    return loaded;
  };
  const brakes = createBrakes({
    ...{ colo: "iad" as ColoId, store: { ...store, load }, clock, ids: createSeededIds(1), signal },
    ...{ changed() {}, storeCameBack() {}, log: { debug() {}, info() {}, warn() {}, error() {} } },
    file: { inForce: () => [], ageMs: () => 0 },
  });
  const starting = brakes.start();
  await clock.advance(10);
  await starting;
  lateMs = 500;
  await clock.advance(260); // A reading has seen that nothing is set, and is slow to say so.
  lateMs = 0;
  const brake = { operation: "create", reason: "storm", principal: "me", sinceMs: 0 } as const;
  const setting = brakes.set([brake]);
  await clock.advance(20);
  await setting;
  for (let ms = 0; ms < 1_000; ms += 20) {
    await clock.advance(20);
    assert.equal(brakes.inForce().length, 1, `lifted ${ms} ms later`);
  }
});

test("B8.3 a placement that has to be read again may be paused: nothing begins for it", () => {
  const gate = createGate({
    brakes: { inForce: () => [], ageMs: () => 0 } as never,
    holdsLease: () => true,
    peek: () => undefined,
    isStopping: () => false,
    denied: () => undefined,
  });
  const key = { account: "acme" as AccountId, group: "web" as GroupId, colo: "iad" as ColoId };
  for (const operation of ["create", "delete", "loadBalancer"] as const)
    assert.equal(gate.refusal(operation, key)?.code, "BRAKED");
});

test("B4.5 M3.2 what cannot be written down is not made", async () => {
  const world = await watchedWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  world.storeFaults.chance.lostBeforeCommit = 0.6;
  await setTarget(world, 12);
  await world.clock.advance(seconds(20));
  assert.ok(world.storeFaults.fired.lostBeforeCommit > 3);
  world.heal();
  await converges(world, 12);
  assertNeverMoreThan(world, 12);
});

test("B4.5 a create that waited in the queue is given up no earlier than its call ends", async () => {
  const world = await storyAt(0, { queue: { concurrency: 4, reservedForDeletes: 1 } });
  const slow = world.cloud.inject({ kind: "slowCall", on: ["create"], delayMs: 4_800 });
  await setTarget(world, 40);
  await world.clock.advance(seconds(41));
  await world.crash();
  await converges(world, 40, minutes(20));
  assert.ok(slow.fired() >= 40);
  const gone = world.cloud.effects.filter(({ kind }) => kind === "deleted");
  assert.deepEqual(gone, [], "none came too late to be wanted");
  assertNeverMoreThan(world, 40);
});

test("B9.1 M2.1 when the store stops, creates that wait in the queue stop within a second", async () => {
  const world = await storyAt(0, {
    queue: { concurrency: 4, reservedForDeletes: 1 },
    cloud: { latencyMs: { fromMs: 300, toMs: 500 } },
  });
  await setTarget(world, 60);
  await world.until("the first is made", () => cloudCount(world) >= 1, seconds(10));
  world.storeFaults.chance.unavailable = 1;
  const stoppedAtMs = world.clock.nowMs();
  await world.clock.advance(minutes(1));
  assert.ok(world.storeFaults.fired.unavailable > 10);
  const late = world.cloud.calls.filter((one) => one.beganAtMs > stoppedAtMs + 1_250);
  assert.deepEqual(late, []);
  world.heal();
  await converges(world, 60, minutes(3));
  assertNeverMoreThan(world, 60);
});

test("M2.5 a node that was stopped for longer than its lease begins nothing when it wakes", async () => {
  const world = await storyAt(12);
  await world.join("node-2");
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: 10_000 });
  await setTarget(world, 0);
  await world.clock.advance(seconds(1));
  assert.equal(slow.fired(), 12, "all have been looked at, and not yet been deleted");
  slow.off();
  world.nodeWires().freeze();
  await world.clock.advance(seconds(25));
  const changes = changesBy(world, "node-1");
  world.nodeWires().thaw();
  await world.clock.advance(seconds(2));
  assert.equal(changes(), 0);
  await world.until("all are gone", () => cloudCount(world) === 0);
});

test("M2.5 B4.5 creates that waited in a node that was stopped are its successor's to end", async () => {
  const world = await storyAt(0, { queue: { concurrency: 4, reservedForDeletes: 1 } });
  const second = await world.join("node-2");
  const slow = world.cloud.inject({ kind: "slowCall", on: ["create"], delayMs: 4_000 });
  await setTarget(world, 20);
  await world.clock.advance(seconds(1));
  world.nodeWires().freeze();
  await world.clock.advance(seconds(40));
  assert.ok(slow.fired() > 3 && second.supervisor !== world.node());
  const changes = changesBy(world, "node-1");
  world.nodeWires().thaw();
  await world.clock.advance(seconds(10));
  assert.equal(changes(), 0);
  world.heal();
  await converges(world, 20);
});

test("M2.5 a lease whose answer came late is as old as its question", async () => {
  const clock = createVirtualClock();
  const faults = createStoreFaults();
  const store = createMemoryStore({ clock, random: createRandom(1), faults });
  const key = { account: "acme" as AccountId, group: "web" as GroupId, colo: "iad" as ColoId };
  const leases = createLeases({
    ...{ colo: key.colo, node: "node-1" as NodeId, times: defaultLeaseTimes },
    ...{ store, clock, ids: createSeededIds(1), gained: () => {} },
    log: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
  });
  faults.chance.slow = 1;
  faults.slowMs = 5_000; // Two questions, each there and back: twenty seconds.
  void leases.start();
  await clock.advance(seconds(22));
  assert.ok(faults.fired.slow > 0);
  assert.equal(leases.holds(key), false, "it ran out before the answer came");
  faults.chance.slow = 0;
  await clock.advance(seconds(10));
  assert.equal(leases.holds(key), true);
});

test("M2.1 what was decided is decided once, though the store's answer was lost", async () => {
  const world = await watchedWorld();
  await createGroup(world);
  await setTarget(world, 5);
  await converges(world, 5);
  const { chance, fired } = world.storeFaults;
  chance.lostAfterCommit = 1;
  world.cluster.taps.listen({
    committed() {
      if (fired.lostAfterCommit > 0) chance.lostAfterCommit = 0;
    },
  });
  const receipt = await world.run(submit(world, { kind: "change", change: 3 }));
  assert.equal(fired.lostAfterCommit, 1);
  assert.equal(receipt.newTarget, 8);
  await converges(world, 8);
});

test("B2.6 an alert that comes anew while the cloud fails does not raise the target again", async () => {
  const world = await watchedWorld();
  await createGroup(world);
  await createPolicy(world);
  const outage = world.cloud.inject({ kind: "refuse", on: ["create"], with: "temporary" });
  for (let time = 0; time < 10; time++) {
    await alert(world, "critical");
    await alert(world, "ok");
    await world.clock.advance(seconds(5));
  }
  assert.ok(outage.fired() > 0);
  assert.equal(await targetOf(world), 2);
});

for (const delayMs of [5, 6, 7])
  test(`B11.2 a node cut off ${delayMs} ms into a delivery does not undo a newer decision`, async () => {
    const world = await createWorld({ colos: ["iad", "ord"] });
    await createGroup(world, groupSpec({ placements: [placed("iad"), placed("ord")] }));
    const second = await world.join("node-2");
    const old = world.nodeStoreWires();
    const stop = world.cluster.taps.listen({
      committed({ events }) {
        if (!events.some(({ type }) => type === "scale.decided")) return;
        stop();
        // The delivery is lost on its way, and before it is sent again the node is cut off.
        world.storeFaults.chance.lostBeforeCommit = 1;
        world.clock.after(delayMs, () => {
          old.freeze();
          world.storeFaults.chance.lostBeforeCommit = 0;
        });
      },
    });
    void setTarget(world, 20).catch(() => {});
    await world.clock.advance(seconds(20));
    assert.ok(old.heldUp() > 0 && world.storeFaults.fired.lostBeforeCommit > 0);
    const ask = { kind: "target", target: 4 } as const;
    const asked = { key: web, source: "manual", ask } as const;
    await world.run(second.supervisor.scaling.submit(asked, world.caller));
    const targets = async () => {
      const { placements } = await world.run(second.supervisor.groups.get(web, world.caller));
      return placements.map(({ target }) => target).join();
    };
    await world.until("delivered", async () => (await targets()) === "2,2");
    old.thaw();
    await world.clock.advance(seconds(3));
    assert.equal(await targets(), "2,2");
  });

test("B5.3 no server is deleted while it is a member", async () => {
  const world = await balancedStoryAt(12, seconds(5));
  const deleted: boolean[] = [];
  world.cluster.taps.listen({
    called(call) {
      if (call.kind !== "delete") return;
      const host = world.cloud.server(call.cloudId as CloudServerId)?.address?.host;
      deleted.push(world.balancers.members(lb).some((member) => member.host === host));
    },
  });
  const slow = world.balancers.inject({ fault: { kind: "slow", delayMs: 3_000 } });
  const [row] = await rowsOf(world);
  world.cloud.setStatus(row!.cloudId!, "ERROR", "host down");
  await setTarget(world, 4);
  await converges(world, 4);
  assert.ok(deleted.length >= 8 && slow.fired() > 0);
  assert.ok(!deleted.includes(true), "none was a member when its delete began");
});

/** Lets calls begin until one has to wait. */
function beginsOf(state: AdmissionState, share: number): number {
  let next = state;
  for (let begun = 0; begun < 1_000; begun++) {
    const answer = admit(next, { nowMs: 60_000, share, random: 0.5 });
    if (answer.kind === "wait") return begun;
    next = answer.state;
  }
  return 1_000;
}

test("B9.4 two nodes of a colo have half of its allowance each", () => {
  const state = createAdmissionState({ inFlightMax: 32 }, 0);
  assert.equal(beginsOf(state, 1), 32);
  assert.equal(beginsOf(state, 0.5), 16);
  assert.equal(beginsOf(state, 0.01), 1, "one at least, or nothing would ever be known");
});

test("B9.4 an open circuit lets one probe through, and nothing beside it", () => {
  const open: AdmissionState = { ...createAdmissionState({ inFlightMax: 32 }, 0), phase: "open" };
  assert.equal(beginsOf(open, 1), 1);
  assert.equal(beginsOf({ ...open, inFlight: 1 }, 1), 0, "what is on its way is waited for");
});

test("M2.5 two nodes that are asked at once lose no decision of each other", async () => {
  const world = await watchedWorld();
  await createGroup(world);
  const second = await world.join("node-2");
  const nodes = [world.node(), second.supervisor];
  const ask = { kind: "change", change: 1 } as const;
  const request = { key: web, source: "manual", ask } as const;
  const targets: number[] = [];
  // How close two must come to meet depends on how long each takes.
  for (const spacingMs of [0, 1, 2, 3, 5, 8]) {
    const asks = Array.from({ length: 6 }, async (_, index) => {
      await sleep(world.clock, index * spacingMs, world.caller.signal);
      return nodes[index % 2]!.scaling.submit(request, world.caller);
    });
    const answers = await world.run(Promise.allSettled(asks));
    const said = answers.flatMap((one) => {
      // Who lost five races in a row is told so, and nothing of it is kept.
      if (one.status === "rejected") assert.ok(isFault(one.reason, "PLACEMENT_CHANGED"));
      return one.status === "rejected" ? [] : [one.value.newTarget];
    });
    targets.push(...said.toSorted((a, b) => a - b));
  }
  assert.ok(targets.length >= 30, `${targets.length} of 36 were decided`);
  assert.deepEqual(
    targets,
    targets.map((_, index) => index + 1),
  );
  await converges(world, targets.length);
});

test("B9.5 after a start, what may be gone is known before what is there is deleted", async () => {
  const world = await storyAt(4);
  const brake = { colo: "iad" as ColoId, operations: ["delete"] as const, reason: "wait" };
  await world.run(world.node().colos.setBrake({ ...brake, durationMs: 60_000 }, world.caller));
  await setTarget(world, 2);
  await world.clock.advance(seconds(5));
  const [, , ...newest] = world.cloud.servers().map(({ id }) => id);
  const seen = witness(world);
  for (const id of newest) world.cloud.vanish(id);
  // The two that are gone cannot be asked for at first. The other two would be the surplus.
  const blind = world.cloud.inject(
    { kind: "refuse", on: ["get"], with: "temporary" },
    { timesMax: 2 },
  );
  await world.sleep(minutes(2));
  await world.clock.advance(minutes(2));
  assert.equal(blind.fired(), 2);
  assert.equal(seen.deletes(), 0, "two are left, and two are wanted");
  await converges(world, 2);
});
