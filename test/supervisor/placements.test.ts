import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, isFault } from "../../src/core/errors/fault.js";
import type { ColoId } from "../../src/core/model/ids.js";
import {
  alert,
  askTarget,
  assertGapFree,
  assertNothingTwice,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  policySpec,
  setTarget,
  submit,
  targetOf,
  updateGroup,
  view,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const colos = ["iad", "dfw"];
const both = (iad = {}, dfw = {}) =>
  groupSpec({ placements: [placed("iad", iad), placed("dfw", dfw)] });
const targets = async (world: World) =>
  (await view(world)).placements.map((one) => one.target).join("+");
const isGone = async (world: World) =>
  (await world.run(
    world
      .node()
      .groups.get(web, world.caller)
      .then(
        () => "there",
        (error: Fault) => error.reason as string,
      ),
  )) === "GROUP_NOT_FOUND";

test("B11.1 a total is split by weight, within each placement's limits, moving few", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both({ weight: 3, max: 6 }, { weight: 1, min: 1 }));
  assert.equal(await targets(world), "0+1");
  const receipt = await setTarget(world, 8);
  assert.deepEqual(
    receipt.placements.map((one) => [one.colo, one.newTarget]),
    [
      ["iad", 6],
      ["dfw", 2],
    ],
  );
  await converges(world, 8);
  assert.equal(await targets(world), "6+2");
  const [iad, dfw] = colos.map((colo) => world.clouds.get(colo)!.servers().length);
  assert.deepEqual([iad, dfw], [6, 2]);
  await setTarget(world, 100);
  await converges(world, 56);
});

test("B11.2 a crash between decision and delivery loses nothing", async () => {
  let struckBetween = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const world = await createWorld({ seed, colos });
    await createGroup(world, both());
    askTarget(world, 6, "r1").catch(() => {});
    await world.clock.advance(seed / 2);
    await world.crash();
    const heard = await world.run(world.store.load(leadPartition, ["delivery"], world.caller));
    if (heard.rows.length > 0) struckBetween++;
    const receipt = await setTarget(world, 6, "r1");
    assert.equal(receipt.newTarget, 6);
    await converges(world, 6);
    assert.equal(await targets(world), "3+3", `seed ${seed}`);
    assertNothingTwice(world);
  }
  assert.ok(struckBetween > 3, `only ${struckBetween} crashes struck in between`);
});

const leadPartition = { scope: "placement", key: "acme/web/iad" } as const;

test("B11.2 alerts count what is unanswered in every placement", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both());
  await createPolicy(world, policySpec({ alert: { ...policySpec().alert, repeatsMax: 50 } }));
  const outage = world.clouds
    .get("dfw")!
    .inject({ kind: "refuse", on: ["create"], with: "noCapacity" });
  await alert(world, "critical");
  await world.clock.advance(300_000);
  assert.equal(await targetOf(world), 2, "dfw has not answered");
  assert.ok(outage.fired() > 0);
  assert.equal(cloudCount(world), 1);
});

test("B2.4 B11.3 a target that comes late never passes the limits of today", async () => {
  let late = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const world = await createWorld({ seed, colos });
    await createGroup(world, both());
    askTarget(world, 20).catch(() => {});
    await world.clock.advance(seed / 2 + 3);
    await world.crash();
    const waits = await world.run(world.store.load(leadPartition, ["delivery"], world.caller));
    await updateGroup(world, both({ max: 10 }, { max: 4 }));
    await world.clock.advance(30_000);
    const { placements } = await view(world);
    if (waits.rows.length > 0) late++;
    for (const { colo, target } of placements)
      assert.ok(target <= (colo === "dfw" ? 4 : 10), `seed ${seed}: ${colo} has ${target}`);
  }
  assert.ok(late > 0, "no delivery was under way when the limits moved");
});

test("B2.7 force is given to each placement, and each gives it back", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both({ max: 2 }, { max: 2 }));
  const force = { reason: "launch", durationMs: 60_000 };
  await world.run(submit(world, { kind: "target", target: 8 }, { force }));
  await converges(world, 8, 50_000);
  await world.until("it expires", async () => (await targets(world)) === "2+2", 60_000);
  await converges(world, 4);
});

test("B8.3 pause reaches every placement", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both());
  await setTarget(world, 4);
  await converges(world, 4);
  const { placements } = await world.run(world.node().groups.pause(web, "move", world.caller));
  assert.ok(placements.every((one) => one.paused));
  for (const cloud of world.clouds.values()) cloud.vanish(cloud.servers()[0]!.id);
  await world.clock.advance(400_000);
  assert.equal(cloudCount(world), 2);
  await world.run(world.node().groups.resume(web, world.caller));
  await converges(world, 4);
});

test("B8.4 the group goes with its last placement; none of them comes back meanwhile", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both());
  await setTarget(world, 6);
  await converges(world, 6);
  const stuck = world.clouds.get("dfw")!.inject({ kind: "deleteIgnored" });
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await world.until("iad is empty", () => world.cloud.servers().length === 0);
  for (let minute = 0; minute < 12; minute++) {
    await world.clock.advance(60_000);
    if (minute % 4 === 3) await world.crash();
    await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  }
  assert.ok(stuck.fired() > 0);
  assert.ok(!(await isGone(world)), "a server that is not confirmed gone keeps the group");
  world.heal();
  await world.until("gone", () => isGone(world));
  assert.equal(cloudCount(world), 0);
  const events = await world.events();
  assertGapFree(events);
  for (const colo of colos) {
    const types = events.filter((one) => one.colo === colo).map((one) => one.type);
    assert.equal(types.filter((type) => type === "group.created").length, 1, colo);
    assert.equal(types.filter((type) => type === "group.deleted").length, 1, colo);
  }
});

test("B8.4 a placement leaves its group only when it is empty, and can come back", async () => {
  const world = await createWorld({ colos });
  await createGroup(world, both());
  await setTarget(world, 4);
  await converges(world, 4);
  const alone = { placements: [placed("iad")] };
  const notEmpty = (error: unknown) => isFault(error, "GROUP_NOT_EMPTY");
  await assert.rejects(updateGroup(world, alone), notEmpty);
  await updateGroup(world, both({}, { max: 0 }));
  await converges(world, 2);
  await updateGroup(world, alone);
  await world.clock.advance(5_000);
  assert.equal(await targets(world), "2");
  await updateGroup(world, both({}, { min: 1 }));
  await converges(world, 3);
  assert.equal(await targets(world), "2+1");
  assertGapFree(await world.events());
});

test("B8.4 servers made for a placement that has just left are ended", async () => {
  for (let step = 0; step < 12; step++) {
    const world = await createWorld({ colos, seed: step + 1 });
    await createGroup(world, both());
    askTarget(world, 4).catch(() => {});
    const edit = { placements: [placed("iad")] };
    await updateGroup(world, edit).catch((error: unknown) => {
      assert.ok(isFault(error, "GROUP_NOT_EMPTY"));
    });
    const stays = (await view(world)).placements.length;
    await world.clock.advance(60_000);
    const dfw = world.clouds.get("dfw")!.servers().length;
    if (stays === 1) assert.equal(dfw, 0, `step ${step}: ${dfw} servers are nobody's`);
  }
});

test("B1.2 a group whose first colo is not served here is led by the next", async () => {
  const world = await createWorld({ colos: ["dfw"] });
  const spec = groupSpec({ placements: [placed("dfw")] });
  await createGroup(world, spec);
  await setTarget(world, 2);
  await converges(world, 2);
  const { placements } = await view(world);
  assert.equal(placements[0]?.colo, "dfw" as ColoId);
});
