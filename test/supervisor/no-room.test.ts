import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertGapFree,
  assertKept,
  assertNothingTwice,
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
import { createWorld, type World, type WorldOptions } from "./world.js";

const cloud: NonNullable<WorldOptions["cloud"]> = {
  latencyMs: { fromMs: 5, toMs: 40 },
  listingLagMs: 2_000,
  createDeadlineMs: 5_000,
};
const { launch } = groupSpec();
const both = { ...launch, fallbackFlavors: ["large"], availabilityZones: ["z1", "z2"] };
const noRoom = { kind: "refuse", on: ["create"], with: "noCapacity" } as const;
const minutes = (count: number) => count * 60_000;

async function worldOf(more: Partial<typeof both> = both): Promise<World> {
  const world = await createWorld({ cloud });
  await createGroup(world, groupSpec({ launch: { ...launch, ...more } }));
  return world;
}

/** How many servers the cloud has of each flavor in each zone, as it was really asked for. */
function made(world: World): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { id } of world.cloud.servers()) {
    const where = `${world.cloud.launchOf(id)?.flavor}@${world.cloud.zoneOf(id) ?? "any"}`;
    counts[where] = (counts[where] ?? 0) + 1;
  }
  return counts;
}

const refusals = (world: World, since = 0) =>
  world.cloud.calls.slice(since).filter(({ answer }) => answer === "noCapacity").length;
const conditions = async (world: World) => (await view(world)).placements[0]!.conditions;

test("B4.7 zones are balanced, and rows and cloud agree on what was chosen", async () => {
  const world = await worldOf();
  await setTarget(world, 7);
  await converges(world, 7);
  assert.deepEqual(made(world), { "small@z1": 4, "small@z2": 3 });
  for (const { cloudId, choice } of await rowsOf(world)) {
    assert.equal(choice?.flavor, world.cloud.launchOf(cloudId!)?.flavor);
    assert.equal(choice?.zone, world.cloud.zoneOf(cloudId!));
  }
  const [one] = world.cloud.servers();
  const { fallbackFlavors, availabilityZones } = world.cloud.launchOf(one!.id)!;
  assert.deepEqual([fallbackFlavors, availabilityZones], [undefined, undefined]);
  await assertKept(world);
});

test("B4.7 no room in a zone: the other zone takes all, and the group does not back off", async () => {
  const world = await worldOf();
  const full = world.cloud.inject({ ...noRoom, flavor: "small", zone: "z1" });
  await setTarget(world, 6);
  await converges(world, 6, 30_000);
  assert.ok(full.fired() > 0 && full.fired() <= 3, `${full.fired()} tries`);
  assert.deepEqual(made(world), { "small@z2": 6 });
  const events = await world.events();
  const failed = events.filter(({ type }) => type === "server.failed");
  assert.equal(failed.length, full.fired());
  assert.match(failed[0]!.message, /no room .*flavor small in zone z1/);
  assert.ok(!(await conditions(world)).find(({ type }) => type === "degraded")!.holds);
  assertNothingTwice(world);
  assertGapFree(events);
  await assertKept(world);
});

test("B4.7 no room for a flavor: the next one; room again: one tries before others follow", async () => {
  const world = await worldOf();
  const full = world.cloud.inject({ ...noRoom, flavor: "small" });
  await setTarget(world, 4);
  await converges(world, 4, 30_000);
  assert.ok(full.fired() >= 2);
  assert.deepEqual(made(world), { "large@z1": 2, "large@z2": 2 });

  await world.clock.advance(minutes(6));
  const before = full.fired();
  await setTarget(world, 10);
  await converges(world, 10, 60_000);
  assert.equal(full.fired() - before, 2, "one try for each zone that was full");

  full.off();
  await world.clock.advance(minutes(11));
  await setTarget(world, 20);
  await converges(world, 20, 120_000);
  await setTarget(world, 24);
  await converges(world, 24, 60_000);
  const { "small@z1": z1 = 0, "small@z2": z2 = 0 } = made(world);
  assert.ok(z1 >= 3 && z2 >= 3, "the first flavor is wanted again");
  await assertKept(world);
});

test("B4.7 B4.6 no room anywhere: the group backs off and says what was tried", async () => {
  const world = await worldOf();
  const full = world.cloud.inject(noRoom);
  await setTarget(world, 8);
  await world.clock.advance(20_000);
  assert.equal(cloudCount(world), 0);
  const waiting = (await conditions(world)).find(({ type }) => type === "degraded")!;
  assert.ok(waiting.holds);
  const backoff = waiting.causes.find(({ code }) => code === "BACKOFF");
  assert.match(String(backoff?.facts["fault"]), /no room for flavors small, large in zones z1, z2/);
  const { length } = world.cloud.calls;
  await world.clock.advance(minutes(4));
  const rounds = refusals(world, length) / 4;
  assert.ok(rounds >= 2 && rounds <= 4, `${rounds} rounds, one try for each choice in each`);
  assert.ok(full.fired() > 0);
  full.off();
  await converges(world, 8, minutes(10));
  assertNothingTwice(world);
  await assertKept(world);
});

test("B4.7 builds that find no valid host count the same, whoever restarts meanwhile", async () => {
  const world = await worldOf();
  const full = world.cloud.inject({
    ...{ kind: "buildError", text: "No valid host was found", faultKind: "noCapacity" },
    zone: "z1",
  });
  await setTarget(world, 4);
  await world.until("the first have failed", () => full.fired() >= 2);
  await world.clock.advance(12_000);
  await world.crash();
  await converges(world, 4, minutes(2));
  assert.equal(full.fired(), 2, "none of the flavor goes there any more");
  assert.deepEqual(made(world), { "small@z2": 4 });
  await assertKept(world);
});

test("B4.7 quota moves to no other flavor: what there is room for is made, the rest waits", async () => {
  const world = await worldOf();
  world.cloud.setQuota(3);
  await setTarget(world, 5);
  await world.until("three are in service", async () => (await inService(world)) === 3);
  await world.clock.advance(20_000);
  assert.ok(world.cloud.quotaRefusals() > 0);
  assert.ok(Object.keys(made(world)).every((where) => where.startsWith("small@")));
  const degraded = (await conditions(world)).find(({ type }) => type === "degraded")!;
  assert.match(JSON.stringify(degraded.causes), /quota/);
  // Another account's quota is its own: its group is made whole meanwhile.
  const other = { ...web, account: "globex" as typeof web.account };
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 3 })] }), other);
  await world.until("it is whole", async () => (await inService(world, other)) === 3, 30_000);
  world.cloud.setQuota(100);
  await world.until("all are", async () => (await inService(world)) === 5, minutes(5));
});

test("B4.7 B1.7 B8.5 a group of older days gets zones, and an edit to none goes on", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  await updateGroup(world, { launch: both });
  await setTarget(world, 3);
  await converges(world, 3);
  assert.deepEqual(made(world), { "small@any": 3 }, "as long as it was not proven");
  const options = { pauseMs: 0, checkpoints: [], stopAfter: 1, rollBack: false };
  const order = { key: web, word: { kind: "start", options } } as const;
  await world.run(world.node().groups.rebuild(order, world.caller));
  const isZoned = () => Object.keys(made(world)).every((where) => !where.endsWith("any"));
  await world.until("it has zones", isZoned);
  await updateGroup(world, { launch });
  await setTarget(world, 4);
  await converges(world, 4);
  assert.deepEqual(made(world), { "small@z1": 2, "small@z2": 2 });
  await world.run(world.node().groups.rebuild(order, world.caller));
  await setTarget(world, 5);
  await world.until("it has none", () => Object.keys(made(world)).join() === "small@any");
  await converges(world, 5);
  assert.deepEqual((await view(world)).group.launchRevision, 3);
});
