import assert from "node:assert/strict";
import { test } from "node:test";
import type { Brake, OperationClass } from "../../src/core/model/colo.js";
import type { ColoId } from "../../src/core/model/ids.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createBrakes } from "../../src/supervisor/colo/brakes.js";
import { patient } from "../simulation/cluster.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";
import {
  cloudCount,
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  updateGroup,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const iad = "iad" as ColoId;
const slow = { latencyMs: { fromMs: 200, toMs: 400 } };
const pause = (world: World) => world.node().groups.pause(web, "maintenance", world.caller);
const resume = (world: World) => world.run(world.node().groups.resume(web, world.caller));
const brake = (world: World, operations: readonly OperationClass[], durationMs?: number) =>
  world
    .node()
    .colos.setBrake(
      { colo: iad, operations, reason: "storm", ...(durationMs ? { durationMs } : {}) },
      world.caller,
    );
const lift = (world: World, operations: readonly OperationClass[]) =>
  world.run(world.node().colos.clearBrake({ colo: iad, operations }, world.caller));
const callsSince = (world: World, fromMs: number) =>
  world.cloud.calls.filter((one) => one.beganAtMs > fromMs);

test("B8.3 paused: nothing is done to the cloud, across a crash; resume converges", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3);
  await converges(world, 3);
  await world.run(pause(world));
  const pausedAtMs = world.clock.nowMs();
  assert.equal((await setTarget(world, 9)).causes[0]?.code, "PAUSED");
  await updateGroup(world, { placements: [placed("iad", { min: 5, max: 9 })] });
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.clock.advance(30_000);
  await world.crash();
  await world.clock.advance(600_000);
  assert.deepEqual(callsSince(world, pausedAtMs), []);
  assert.equal(cloudCount(world), 2);
  const { placements } = await view(world);
  assert.equal(placements[0]?.paused?.reason, "maintenance");
  assert.equal(placements[0]?.target, 5, "configuration may change");
  await resume(world);
  await converges(world, 5, 60_000);
});

test("B8.3 pause is asked right before each call: what waits is not begun", async () => {
  const world = await createWorld({ cloud: slow, queue: { concurrency: 4 } });
  await createGroup(world);
  await setTarget(world, 40);
  await world.until("some are under way", () => world.cloud.calls.length >= 4, 5_000);
  await world.run(pause(world));
  const pausedAtMs = world.clock.nowMs();
  await world.clock.advance(120_000);
  assert.deepEqual(callsSince(world, pausedAtMs), []);
  assert.ok(cloudCount(world) < 20);
  await resume(world);
  await converges(world, 40);
});

test("B8.3 pausing twice is pausing once, and so is resuming", async () => {
  const world = await createWorld();
  await createGroup(world);
  await world.run(Promise.all([pause(world), pause(world)]));
  await resume(world);
  await resume(world);
  const types = (await world.events()).map((one) => one.type);
  assert.deepEqual(
    types.filter((type) => type === "group.paused" || type === "group.resumed"),
    ["group.paused", "group.resumed"],
  );
});

test("B9.1 kill switch: no create after it, across a crash; lifted, it goes on at once", async () => {
  const world = await createWorld({ cloud: slow, queue: { concurrency: 4 } });
  await createGroup(world);
  await setTarget(world, 30);
  await world.until("some are under way", () => world.cloud.calls.length >= 4, 5_000);
  await world.run(brake(world, ["create"]));
  const setAtMs = world.clock.nowMs();
  await world.clock.advance(60_000);
  await world.crash();
  await setTarget(world, 40);
  await world.clock.advance(600_000);
  assert.deepEqual(callsSince(world, setAtMs), []);
  const { placements } = await view(world);
  const braked = placements[0]?.conditions.find((one) => one.type === "braked");
  assert.equal(braked?.holds, true);
  await lift(world, ["create"]);
  await converges(world, 40, 60_000);
});

test("B9.1 a brake on an idle group's colo is lifted without the group waiting for patrol", async () => {
  const world = await createWorld();
  await createGroup(world);
  await world.run(brake(world, ["create"]));
  await setTarget(world, 2);
  await world.clock.advance(5_000);
  await lift(world, ["create"]);
  await converges(world, 2, 20_000);
});

test("B9.1 a brake on deletes drains nobody, and repair goes on", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 4);
  await converges(world, 4);
  await world.run(brake(world, ["delete"]));
  const setAtMs = world.clock.nowMs();
  await setTarget(world, 1);
  await world.clock.advance(60_000);
  assert.equal(await inService(world), 4);
  await setTarget(world, 6);
  await converges(world, 6, 60_000);
  await setTarget(world, 2);
  await world.clock.advance(60_000);
  assert.ok(callsSince(world, setAtMs).every((one) => one.operation !== "delete"));
  await lift(world, []);
  await converges(world, 2, 60_000);
});

test("B9.1 a brake expires by itself", async () => {
  const world = await createWorld();
  await createGroup(world);
  await world.run(brake(world, ["create"], 60_000));
  await setTarget(world, 2);
  await world.clock.advance(55_000);
  assert.equal(cloudCount(world), 0);
  await converges(world, 2, 30_000);
});

test("B9.1 a brake on load balancers lets servers boot; lifted, they join", async () => {
  const world = await createWorld();
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  await world.run(brake(world, ["loadBalancer"]));
  await setTarget(world, 3);
  const launching = async () => (await rowsOf(world)).filter((row) => row.state === "launching");
  await world.until("all are launching", async () => (await launching()).length === 3);
  await world.clock.advance(60_000);
  assert.equal(world.balancers.calls("changeMembers"), 0);
  assert.equal(cloudCount(world), 3);
  await lift(world, ["loadBalancer"]);
  await converges(world, 3, 60_000);
  assert.equal(world.balancers.members(lb).length, 3);
});

test("B9.1 a node that cannot read the switch makes no creates; then it goes on", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 1);
  await converges(world, 1);
  world.storeFaults.chance.unavailable = 1;
  await world.clock.advance(3_000);
  assert.ok(world.storeFaults.fired.unavailable > 0);
  world.heal();
  world.storeFaults.chance.slow = 1;
  world.storeFaults.slowMs = 3_000;
  const fromMs = world.clock.nowMs();
  await setTarget(world, 5);
  await world.clock.advance(30_000);
  assert.ok(world.storeFaults.fired.slow > 0);
  assert.deepEqual(callsSince(world, fromMs), [], "its last reading is seconds old");
  world.heal();
  await converges(world, 5, 60_000);
});

test("B9.1 a reading of the switch that was under way does not undo a setting", async () => {
  const world = await createWorld({ cloud: { latencyMs: { fromMs: 1, toMs: 2 } } });
  await createGroup(world);
  for (let round = 0; round < 40; round++) {
    Object.assign(world.storeFaults, { slowMs: 60 });
    world.storeFaults.chance.slow = 0.3;
    await world.clock.advance(round * 7);
    const before = (await world.run(brake(world, ["create"]))).brakes;
    assert.equal(before.length, 1);
    const setAtMs = world.clock.nowMs();
    for (let ms = 0; ms < 400; ms += 20) {
      await world.clock.advance(20);
      const { brakes } = await world.run(world.node().colos.get(iad, world.caller));
      assert.equal(
        brakes.length,
        1,
        `round ${round}: lifted ${world.clock.nowMs() - setAtMs} ms on`,
      );
    }
    await lift(world, ["create"]);
  }
  assert.ok(world.storeFaults.fired.slow > 100);
});

/** A kill switch over a store that can be put back to another. */
async function switchBench() {
  const clock = createVirtualClock();
  const newStore = () => createMemoryStore({ clock, random: createRandom(1) });
  const known = newStore();
  let store = known;
  const seen = { cameBack: 0 };
  const of = async (name: string, at: typeof known | undefined) => {
    const brakes = createBrakes({
      ...{ colo: iad, clock, ids: createSeededIds(name.length), signal: patient() },
      store: {
        ...known,
        load: (...asked) => (at ?? store).load(...asked),
        commit: (...asked) => (at ?? store).commit(...asked),
      },
      ...{ log: { debug() {}, info() {}, warn() {}, error() {} }, changed() {} },
      storeCameBack: () => void seen.cameBack++,
      file: { inForce: () => [], ageMs: () => 0 },
    });
    await during(brakes.start());
    return brakes;
  };
  async function during<Value>(work: Promise<Value>): Promise<Value> {
    await clock.advance(50);
    return work;
  }
  const brakes = await of("here", undefined);
  return {
    ...{ clock, brakes, seen, of, newStore, during },
    putBack(to: typeof known) {
      store = to;
    },
  };
}

const stop = (operation: OperationClass): Brake => ({
  ...{ operation, reason: "storm", principal: "me", sinceMs: 0, source: "operator" },
});
const operationsOf = (brakes: readonly Brake[]) => brakes.map((one) => one.operation).toSorted();

test("B9.1 B9.5 a store put back to older: a doubt, what it says counts, and no brake is lifted", async () => {
  const { clock, brakes, seen, of, newStore, during, putBack } = await switchBench();
  for (const operation of ["create", "loadBalancer"] as const) {
    await during(brakes.set([stop(operation)]));
    await clock.advance(500);
  }
  const older = newStore();
  const other = await of("there!", older);
  await during(other.set([stop("delete")]));
  assert.equal(seen.cameBack, 0);
  putBack(older);
  for (let ms = 0; ms < 2_000; ms += 50) {
    await clock.advance(50);
    const now = operationsOf(brakes.inForce());
    assert.ok(now.includes("create") && now.includes("loadBalancer"), `lifted after ${ms} ms`);
  }
  assert.equal(seen.cameBack, 1);
  const all = ["create", "delete", "loadBalancer"];
  assert.deepEqual(operationsOf(brakes.inForce()), all);
  assert.deepEqual(operationsOf(other.inForce()), all, "the store knows them again");
  await during(other.clear(["delete", "create"]));
  await clock.advance(1_000);
  assert.deepEqual(operationsOf(brakes.inForce()), ["loadBalancer"]);
  await during(brakes.clear(["loadBalancer"]));
  await clock.advance(1_000);
  assert.deepEqual([brakes.inForce(), other.inForce(), seen.cameBack], [[], [], 1]);
});
