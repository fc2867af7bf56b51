import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, GroupId, GroupKey, PolicyId } from "../../src/core/model/ids.js";
import type { PolicyAction } from "../../src/core/model/policy.js";
import type { Receipt } from "../../src/core/model/scale-event.js";
import {
  assertKept,
  converges,
  createGroup,
  groupSpec,
  policySpec,
  setTarget,
  targetOf,
  view,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const cpu: PolicyAction = {
  ...{ kind: "tracking", metric: "cpu", target: 0.5 },
  tolerancePartsPerMillion: 100_000,
  stabilisationMs: seconds(300),
};

function create(world: World, id: string, action: PolicyAction, key = web) {
  const spec = policySpec({ action });
  return world.run(
    world.node().policies.create({ key, policy: id as PolicyId, spec }, world.caller),
  );
}

function report(
  world: World,
  policy: string,
  given: { readonly value?: number; readonly state?: "ok" | "critical" },
  key: GroupKey = web,
): Promise<Receipt> {
  const { state = "ok", value } = given;
  const measured = value === undefined ? {} : { value };
  const ask = { kind: "alert", policy: policy as PolicyId, key: "k1", state, ...measured } as const;
  return world.run(world.node().scaling.submit({ key, source: "alert", ask }, world.caller));
}

test("B2.1 B3.6 servers follow a metric: out at once, in after its window, through a crash", async () => {
  const world = await createWorld();
  await createGroup(world);
  await create(world, "cpu", cpu);
  await setTarget(world, 4);
  await converges(world, 4);
  assert.equal((await report(world, "cpu", { value: 0.8 })).newTarget, 7);
  const waits = await report(world, "cpu", { value: 0.9 });
  assert.equal(waits.causes[0]?.code, "DEMAND_UNANSWERED", "the seven are not there yet");
  await converges(world, 7);
  for (let minute = 0; minute < 5; minute++) {
    const held = await report(world, "cpu", { value: 0.25 });
    assert.deepEqual([held.outcome, held.newTarget], ["held", 7], `minute ${minute}`);
    await world.clock.advance(seconds(60));
    if (minute === 2) await world.crash();
  }
  await world.clock.advance(seconds(60));
  assert.equal((await report(world, "cpu", { value: 0.25 })).newTarget, 4);
  await converges(world, 4);
  await assertKept(world);
});

test("B3.4 a metric that is reported no more takes no server away", async () => {
  const world = await createWorld();
  await createGroup(world);
  await create(world, "cpu", cpu);
  await setTarget(world, 3);
  await report(world, "cpu", { value: 0.1 });
  await world.clock.advance(seconds(3_600));
  assert.equal(await targetOf(world), 3);
  const first = await report(world, "cpu", { value: 0.1 });
  assert.equal(first.causes[0]?.code, "STABILISING_FIRST");
});

test("B3.3 B3.5 an alert that a guard holds asks again a minute later, not all the time", async () => {
  const world = await createWorld();
  await createGroup(world);
  await create(world, "up", { kind: "exact", capacity: 6 });
  await create(world, "down", { kind: "change", change: -1 });
  await report(world, "up", { state: "critical" });
  await converges(world, 6);
  const held = await report(world, "down", { state: "critical" });
  assert.deepEqual([held.outcome, held.causes[0]?.code], ["held", "OTHER_WANTS_MORE"]);
  await world.clock.advance(seconds(300));
  const decided = (await world.events()).filter(({ type }) => type === "scale.decided");
  const again = decided.filter(({ facts }) => facts["source"] === "circleBack");
  assert.ok(again.length >= 4 && again.length <= 6, `${again.length} times in five minutes`);
  await report(world, "up", { state: "ok" });
  await world.until("it scales in", async () => (await targetOf(world)) === 5, seconds(90));
});

test("B3.5 while many groups drop at once they wait, and their conditions say so; for a while", async () => {
  const world = await createWorld();
  const keys = Array.from({ length: 8 }, (_, index): GroupKey => {
    return { account: "acme" as AccountId, group: `g${index}` as GroupId };
  });
  for (const key of keys) {
    await createGroup(world, groupSpec(), key);
    await create(world, "half", { kind: "percent", partsPerMillion: -500_000 }, key);
    const ask = { kind: "target", target: 4 } as const;
    await world.run(world.node().scaling.submit({ key, source: "manual", ask }, world.caller));
  }
  await world.clock.advance(seconds(120));
  const outcomes: string[] = [];
  for (const key of keys)
    outcomes.push((await report(world, "half", { state: "critical" }, key)).outcome);
  assert.deepEqual(outcomes, [...Array(5).fill("applied"), ...Array(3).fill("held")]);
  const last = keys.at(-1)!;
  const isHeld = async () => {
    const [placement] = (await view(world, last)).placements;
    const condition = placement?.conditions.find(({ type }) => type === "held");
    return condition?.holds === true && condition.causes[0]?.code === "DEMAND_ANOMALY";
  };
  await world.until("its condition says so", isHeld, seconds(30));
  assert.equal(await targetOf(world, last), 4);
  // Its alert stands: it asks again, and is believed by then.
  for (let minute = 0; minute < 16; minute++) {
    await world.clock.advance(seconds(60));
    await report(world, "half", { state: "critical" }, last);
  }
  assert.ok((await targetOf(world, last)) < 4);
  await world.until("it is over", async () => !(await isHeld()), seconds(30));
  await assertKept(world);
});
