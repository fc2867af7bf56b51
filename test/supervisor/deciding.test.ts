import assert from "node:assert/strict";
import { test } from "node:test";
import {
  alert,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  inService,
  placed,
  policySpec,
  runPolicy,
  setTarget,
  submit,
  targetOf,
} from "./asks.js";
import { createWorld } from "./world.js";

const seconds = (count: number) => count * 1_000;
const rule = policySpec().alert;

test("B2.5 both cooldowns refuse policies, not targets, and survive a crash", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ cooldownMs: seconds(30) }));
  await createPolicy(world, policySpec({ cooldownMs: seconds(60) }));
  const first = await runPolicy(world);
  const refused = await runPolicy(world);
  assert.deepEqual(
    refused.causes.map((one) => one.code),
    ["COOLDOWN_POLICY", "COOLDOWN_GROUP"],
  );
  assert.equal(refused.retryAtMs, first.atMs + seconds(60));
  assert.equal((await setTarget(world, 5)).outcome, "applied", "a target is not refused");
  await world.crash();
  await world.clock.advance(seconds(40));
  const still = await runPolicy(world);
  assert.deepEqual(
    still.causes.map((one) => one.code),
    ["COOLDOWN_POLICY"],
  );
  await world.clock.advance(first.atMs + seconds(60) - world.clock.nowMs());
  assert.equal((await runPolicy(world)).outcome, "applied", "elapsed = cooldown passes");
});

test("B3.2 an alert acts once it has held, though the node crashed meanwhile", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ alert: { ...rule, holdMs: seconds(120) } }));
  const held = await alert(world, "critical");
  assert.equal(held.outcome, "held");
  await world.clock.advance(seconds(30));
  await world.crash();
  await world.clock.advance(seconds(80));
  assert.equal(await targetOf(world), 0, "not before its hold");
  await world.until("it acts", async () => (await targetOf(world)) === 2, seconds(20));
  await converges(world, 2);
  const acted = (await world.events()).filter((one) => one.type === "scale.decided");
  assert.deepEqual(
    acted.map((one) => one.facts["outcome"]),
    ["held", "applied"],
  );
  assert.equal(acted[1]?.parent, held.eventId, "it follows from the alert that it answers");
});

test("B3.2 an alert that ends within its hold does nothing", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ alert: { ...rule, holdMs: seconds(120) } }));
  await alert(world, "critical");
  await world.clock.advance(seconds(60));
  await alert(world, "ok");
  await world.clock.advance(seconds(600));
  assert.equal(await targetOf(world), 0);
});

test("B3.3 an alert that stands circles back, through crashes, as often as it may", async () => {
  const world = await createWorld();
  await createGroup(world);
  const repeating = { ...rule, repeatsMax: 3, timeToLiveMs: seconds(86_400) };
  await createPolicy(world, policySpec({ alert: repeating }));
  await alert(world, "critical");
  for (let minute = 1; minute <= 10; minute++) {
    await world.clock.advance(seconds(60));
    if (minute % 2 === 0) await world.crash();
  }
  assert.equal(await targetOf(world), 8, "+2 at once and three times more");
  await converges(world, 8);
});

test("B3.3 OK ends it, and so does silence", async () => {
  for (const end of ["ok", "silence"] as const) {
    const world = await createWorld();
    await createGroup(world);
    await createPolicy(world, policySpec({ alert: { ...rule, timeToLiveMs: seconds(90) } }));
    await alert(world, "critical");
    await world.clock.advance(seconds(65));
    if (end === "ok") await alert(world, "ok");
    await world.clock.advance(seconds(900));
    assert.equal(await targetOf(world), 4, end);
  }
});

test("B2.6 while the cloud fails, an alert's target does not climb; then it goes on", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ alert: { ...rule, timeToLiveMs: seconds(86_400) } }));
  const outage = world.cloud.inject({ kind: "refuse", on: ["create"], with: "temporary" });
  await alert(world, "critical");
  await world.clock.advance(seconds(1_200));
  assert.ok(outage.fired() > 1);
  assert.equal(await targetOf(world), 2, "what was asked for is not in service yet");
  assert.equal((await alert(world, "critical", "other")).newTarget, 2);
  assert.equal(cloudCount(world), 0);
  world.heal();
  await world.until(
    "the first two come",
    async () => (await inService(world)) >= 2,
    seconds(3_600),
  );
  await world.until("it circles back", async () => (await targetOf(world)) >= 4, seconds(120));
});

test("B2.6 a cloud that fails for an hour under a firing alert: the target stands where the last answered demand left it; on recovery exactly that is built", async () => {
  const world = await createWorld();
  await createGroup(world);
  const repeating = { ...rule, repeatsMax: 100 };
  await createPolicy(world, policySpec({ alert: repeating }));
  await alert(world, "critical");
  await world.until("it has circled back once", async () => (await targetOf(world)) === 4);
  await converges(world, 4);
  const all = ["create", "delete", "get", "list", "find"] as const;
  const outage = world.cloud.inject({ kind: "refuse", on: all, with: "temporary" });
  const failures: number[] = [];
  for (let minute = 1; minute <= 60; minute++) {
    await world.clock.advance(seconds(60));
    // Every ten minutes it enters its state anew, and asks for more by itself.
    if (minute % 10 === 0) await alert(world, "ok");
    const { outcome } = await alert(world, "critical");
    assert.equal(outcome, minute < 10 ? "noChange" : "held", `minute ${minute}`);
    assert.equal(await targetOf(world), 6, `minute ${minute}: asked for once more, unanswered`);
    if (minute % 10 === 0) failures.push(outage.fired());
  }
  assert.ok(
    failures.every((count, part) => count > (failures[part - 1] ?? 0)),
    `calls failed all the time: ${failures.join(", ")}`,
  );
  assert.equal(cloudCount(world), 4, "nothing was built");
  world.heal();
  await world.until(
    "what was asked for is in service",
    async () => (await inService(world)) >= 6,
    seconds(3_600),
  );
  assert.equal(cloudCount(world), 6, "that, and no more");
  assert.ok((await targetOf(world)) <= 8, "only now it asks again");
  await alert(world, "ok");
  await converges(world, await targetOf(world));
  let served = 0;
  for (const { type, receipt } of await world.events()) {
    if (type === "server.in_service") served++;
    if (receipt?.outcome === "applied")
      assert.equal(served, receipt.oldTarget, "each wish came when the one before was answered");
  }
});

test("B2.4 results are clamped, and said to be", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 2, max: 3 })] }));
  const up = await setTarget(world, 9);
  assert.deepEqual([up.outcome, up.newTarget], ["applied", 3]);
  assert.ok(up.causes.some((one) => one.code === "CLAMPED_TO_MAX"));
  const none = await setTarget(world, 9);
  assert.deepEqual([none.outcome, none.newTarget], ["noChange", 3]);
  await converges(world, 3);
});

test("B2.7 force passes cooldowns and limits until it expires, through a crash", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 1, max: 3 })] }));
  await createPolicy(world, policySpec({ cooldownMs: seconds(600) }));
  await runPolicy(world);
  const force = { reason: "launch day", durationMs: seconds(300) };
  const target = (count: number) =>
    world.run(submit(world, { kind: "target", target: count }, { force }));
  const beyond = await target(6);
  assert.deepEqual([beyond.outcome, beyond.newTarget], ["applied", 6]);
  await converges(world, 6, seconds(120));
  const policy = submit(world, { kind: "policy", policy: "up" as never }, { force });
  assert.equal((await world.run(policy)).newTarget, 8);
  await world.crash();
  await converges(world, 8, seconds(120));
  await world.until("it expires", async () => (await targetOf(world)) === 3, seconds(400));
  await converges(world, 3);
  const moved = (await world.events()).findLast((one) => one.type === "target.changed");
  assert.equal(moved?.facts["target"], 3);
  const under = await target(0);
  assert.equal(under.newTarget, 0);
  await converges(world, 0);
  await world.until("its floor comes back", async () => (await targetOf(world)) === 1);
  await converges(world, 1);
});

test("B2.8 a refusal heals all the same", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec({ cooldownMs: seconds(3_600) }));
  await createPolicy(world);
  await runPolicy(world);
  await converges(world, 2);
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.clock.advance(seconds(20)); // Past the age of any listing.
  assert.equal((await runPolicy(world)).outcome, "refused");
  await converges(world, 2, seconds(60));
});
