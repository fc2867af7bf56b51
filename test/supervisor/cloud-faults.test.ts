import assert from "node:assert/strict";
import { test } from "node:test";
import type { SimulatedFault } from "../../src/drivers/cloud-simulated/index.js";
import {
  alert,
  assertGapFree,
  assertNeverMoreThan,
  assertNothingTwice,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  inService,
  policySpec,
  rowsOf,
  setTarget,
  targetOf,
  view,
  web,
} from "./asks.js";
import { createWorld, type World, type WorldOptions } from "./world.js";

const seconds = (count: number) => count * 1_000;
const quick: NonNullable<WorldOptions["cloud"]> = {
  latencyMs: { fromMs: 5, toMs: 40 },
  listingLagMs: 2_000,
  createDeadlineMs: 5_000,
};

async function worldAt(servers: number, options: WorldOptions = {}): Promise<World> {
  const world = await createWorld({ cloud: quick, ...options });
  await createGroup(world);
  if (servers > 0) {
    await setTarget(world, servers);
    await converges(world, servers);
    // Past the age of any listing that still shows them.
    await world.clock.advance(seconds(20));
  }
  return world;
}

const condition = async (world: World, type: string) =>
  (await view(world)).placements[0]?.conditions.find((one) => one.type === type);
const converge = (world: World) => world.run(world.node().groups.converge(web, world.caller));

for (const [name, fault] of Object.entries({
  "at once": { kind: "answerLost", on: "create" },
  "after a silence": { kind: "answerLost", on: "create", hang: true },
} satisfies Record<string, SimulatedFault>))
  test(`B4.5 an answer lost ${name}: the server is found by its tag, never made twice`, async () => {
    const world = await worldAt(0);
    const lost = world.cloud.inject(fault, { timesMax: 4 });
    await setTarget(world, 8);
    await converges(world, 8);
    assert.equal(lost.fired(), 4);
    assertNothingTwice(world);
    assertNeverMoreThan(world, 8);
    const events = await world.events();
    const told = events.filter((one) => one.facts["causes"] === "ANSWER_LOST");
    assert.ok(told.length >= 4);
    assert.ok(!events.some((one) => one.type === "server.abandoned"));
  });

test("B4.5 a request lost on its way: looked for in vain, given up, then made anew", async () => {
  const world = await worldAt(0);
  const lost = world.cloud.inject({ kind: "requestLost", on: "create" }, { timesMax: 3 });
  await setTarget(world, 5);
  await converges(world, 5);
  assert.equal(lost.fired(), 3);
  assertNeverMoreThan(world, 5);
  const types = (await world.events()).map((one) => one.type);
  assert.equal(types.filter((type) => type === "server.abandoned").length, 3);
});

test("B4.5 M3.2 a server that comes late for an abandoned intention is surplus, and goes", async () => {
  const world = await worldAt(0);
  const late = world.cloud.inject({ kind: "lateCreate", delayMs: 60_000 }, { timesMax: 2 });
  await setTarget(world, 3);
  await world.until("three in service", async () => (await inService(world)) === 3);
  assert.equal(late.fired(), 2);
  await world.until("the late ones came", () => cloudCount(world) === 5);
  await converge(world);
  await converges(world, 3, seconds(400));
  assertNothingTwice(world);
  const why = (await world.events()).filter((one) => one.facts["causes"] === "LATE_SURPLUS");
  assert.ok(why.length >= 2);
});

test("B4.5 listings that lag make nothing twice", async () => {
  const world = await worldAt(0);
  const lag = world.cloud.inject({ kind: "listingLag", lagMs: 1_900 });
  const lost = world.cloud.inject({ kind: "answerLost", on: "create" }, { share: 0.5 });
  await setTarget(world, 12);
  await converges(world, 12);
  assert.ok(lag.fired() >= 12 && lost.fired() > 2);
  assertNothingTwice(world);
  assertNeverMoreThan(world, 12);
});

test("B4.7 quota for some: those are made, the rest waits with its reason, then comes", async () => {
  const world = await worldAt(0);
  world.cloud.setQuota(4);
  await setTarget(world, 7);
  await world.until("four in service", async () => (await inService(world)) === 4);
  await world.clock.advance(seconds(300));
  assert.equal(await inService(world), 4);
  assert.ok(world.cloud.quotaRefusals() > 0);
  const refusals = world.cloud.calls.filter((one) => one.answer === "quota").length;
  assert.ok(refusals < 40, `${refusals} refused calls in five minutes: that is no backoff`);
  const degraded = await condition(world, "degraded");
  assert.match(String(degraded?.causes[0]?.facts["fault"]), /quota/);
  world.cloud.setQuota(100);
  await converges(world, 7, seconds(2_000));
});

test("B4.6 builds that end in ERROR are deleted, backed off from, and heal", async () => {
  const world = await worldAt(0);
  const broken = world.cloud.inject({ kind: "buildError", text: "no valid host" });
  await setTarget(world, 3);
  await world.clock.advance(seconds(600));
  const tried = broken.fired();
  assert.ok(tried >= 6 && tried <= 18, `${tried} builds in ten minutes`);
  const degraded = await condition(world, "degraded");
  assert.equal(degraded?.causes[0]?.facts["fault"], "no valid host");
  await world.crash();
  world.heal();
  await converges(world, 3, seconds(2_000));
  assert.equal((await condition(world, "degraded"))?.holds, false);
});

test("B4.2 a build that takes too long is replaced", async () => {
  const world = await createWorld({ cloud: quick });
  await createGroup(world, groupSpec({ buildTimeoutMs: seconds(60) }));
  const stuck = world.cloud.inject(
    { kind: "slowBuild", extraMs: seconds(86_400) },
    { timesMax: 1 },
  );
  await setTarget(world, 2);
  await converges(world, 2, seconds(200));
  assert.equal(stuck.fired(), 1);
  const failed = (await world.events()).find((one) => one.type === "server.failed");
  assert.equal(failed?.facts["causes"], "BUILD_TIMEOUT");
});

test("B4.3 servers that vanish are replaced after the cloud's own 404", async () => {
  const world = await worldAt(5);
  for (const { id } of world.cloud.servers().slice(0, 2)) world.cloud.vanish(id);
  await converge(world);
  await converges(world, 5, seconds(60));
  const lost = (await world.events()).filter((one) => one.type === "server.lost");
  assert.equal(lost.length, 2);
});

test("B4.3 the periodic pass finds what vanished, with nobody asking", async () => {
  const world = await worldAt(2);
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await converges(world, 2, seconds(700));
});

test("B4.3 a truncated listing replaces nothing and deletes nothing", async () => {
  const world = await worldAt(10);
  const callsBefore = world.cloud.calls.length;
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 3 });
  for (let minute = 0; minute < 5; minute++) {
    await world.clock.advance(seconds(60));
    await converge(world);
  }
  assert.ok(short.fired() > 3);
  assert.equal(world.cloud.calls.length, callsBefore);
  assert.equal(await inService(world), 10);
  const turned = (await world.events()).filter((one) => one.type === "group.condition");
  assert.ok(turned.length < 8, "a listing that lacks some does not turn conditions to and fro");
});

for (const kind of ["pageFails", "pageRepeated"] as const)
  test(`B4.3 a partial listing (${kind}) makes no plan at all`, async () => {
    const world = await createWorld({ cloud: { ...quick, pageServersMax: 4 } });
    await createGroup(world);
    await setTarget(world, 10);
    await converges(world, 10);
    await world.clock.advance(seconds(20));
    const broken = world.cloud.inject({ kind });
    const callsBefore = world.cloud.calls.length;
    world.cloud.vanish(world.cloud.servers()[9]!.id);
    await setTarget(world, 12);
    await world.clock.advance(seconds(120));
    assert.ok(broken.fired() > 3);
    assert.equal(world.cloud.calls.length, callsBefore);
    const degraded = await condition(world, "degraded");
    assert.equal(degraded?.causes[0]?.code, "LISTING_PARTIAL");
    world.heal();
    await converges(world, 12, seconds(120));
  });

test("B4.3 a suspect list: what cannot be looked up is not replaced", async () => {
  const world = await worldAt(10);
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 2 });
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  const callsBefore = world.cloud.calls.length;
  for (let minute = 0; minute < 3; minute++) {
    await converge(world);
    await world.clock.advance(seconds(60));
  }
  assert.ok(short.fired() > 0 && blind.fired() > 0);
  assert.equal(world.cloud.calls.length, callsBefore);
  world.heal();
  await converges(world, 10);
});

test("B4.11 look-ups that hang hold up a placement's other work for a bounded time", async () => {
  const world = await worldAt(30);
  await createPolicy(world, policySpec({ alert: { ...policySpec().alert, holdMs: seconds(40) } }));
  const short = world.cloud.inject({ kind: "listTruncated", serversMax: 0 });
  const slow = world.cloud.inject({ kind: "slowCall", on: ["get"], delayMs: seconds(3_600) });
  await converge(world);
  await world.clock.advance(seconds(5));
  await alert(world, "critical");
  await world.until("the alert acts", async () => (await targetOf(world)) === 32, seconds(120));
  assert.ok(short.fired() > 0 && slow.fired() > 0);
  world.heal();
  await converges(world, 32, seconds(120));
});

test("B4.2 SHUTOFF has its grace, then is replaced", async () => {
  const world = await worldAt(3);
  const { id } = world.cloud.servers()[0]!;
  world.cloud.setStatus(id, "SHUTOFF");
  await converge(world);
  await world.clock.advance(seconds(590));
  assert.equal(await inService(world), 3, "still within its grace");
  await world.until(
    "it is replaced",
    async () => !world.cloud.servers().some((one) => one.id === id),
  );
  await converges(world, 3);
});

test("B4.2 UNKNOWN, as of a cell that is down, is left alone", async () => {
  const world = await worldAt(8);
  const callsBefore = world.cloud.calls.length;
  const down = world.cloud.inject({ kind: "cellDown", cell: 0 });
  await converge(world);
  await world.clock.advance(seconds(1_800));
  assert.ok(down.fired() > 0);
  assert.equal(world.cloud.calls.length, callsBefore);
  assert.equal(await inService(world), 8);
  const waiting = await condition(world, "degraded");
  assert.ok(waiting?.causes.every((one) => one.code === "STATUS_UNHEARD_OF"));
  world.heal();
  await converge(world);
  await world.until("it clears", async () => !(await condition(world, "degraded"))?.holds);
});

test("B9.5 B9.6 foreign servers and copied tags are never touched", async () => {
  const world = await worldAt(2);
  const [ours] = world.cloud.servers();
  const untagged = world.cloud.addForeign({ account: "acme", name: "theirs" });
  const copied = world.cloud.addForeign({
    ...{ account: "acme", name: "copy" },
    ownership: ours!.ownership!,
  });
  const orphan = world.cloud.addForeign({
    ...{ account: "acme", name: "orphan" },
    ownership: { ...ours!.ownership!, server: "no-such-intention" },
  });
  const foreign = [untagged, copied, orphan];
  await converge(world);
  await setTarget(world, 0);
  await world.until("ours are gone", () => world.cloud.servers().length === foreign.length);
  await world.crash();
  await world.clock.advance(seconds(400));
  assert.deepEqual(
    world.cloud.servers().map((one) => one.id),
    foreign,
  );
  const touched = world.cloud.calls.filter((one) => foreign.includes(one.subject as never));
  assert.deepEqual(touched, []);
});

test("B4.10 deletes that do nothing are repeated until the 404, and reported as they age", async () => {
  const world = await worldAt(3);
  const deaf = world.cloud.inject({ kind: "deleteIgnored" });
  await setTarget(world, 1);
  await world.clock.advance(seconds(16 * 60));
  assert.ok(deaf.fired() > 10);
  assert.equal(await inService(world), 1);
  const waits = await condition(world, "waiting");
  assert.ok(waits?.causes.some((one) => one.code === "DELETE_AGED"));
  await setTarget(world, 2);
  await world.until("repair goes on", async () => (await inService(world)) === 2);
  world.heal();
  await converges(world, 2);
});

for (const on of ["answerLost", "requestLost"] as const)
  test(`B4.10 a delete whose call is lost (${on}) comes to its end`, async () => {
    const world = await worldAt(4);
    const lost = world.cloud.inject({ kind: on, on: "delete" }, { timesMax: 4 });
    await setTarget(world, 0);
    await converges(world, 0);
    assert.equal(lost.fired(), 4);
    assertGapFree(await world.events());
  });

test("B4.8 throttled, temporary and denied are retried with patience, and heal", async () => {
  for (const kind of ["throttled", "temporary", "denied", "unknown"] as const) {
    const world = await worldAt(0);
    const storm = world.cloud.inject({ kind: "refuse", on: ["create"], with: kind });
    await setTarget(world, 4);
    await world.clock.advance(seconds(180));
    // What the group waits for backs off; what the colo's allowance waits for is tried for it.
    const most = kind === "throttled" ? 120 : 32;
    assert.ok(storm.fired() >= 2 && storm.fired() <= most, `${kind}: ${storm.fired()} calls`);
    world.heal();
    await converges(world, 4, seconds(600));
    assert.equal(await targetOf(world), 4);
  }
});

test("B4.8 the cloud's own ids of its requests stand in the events", async () => {
  const world = await worldAt(0);
  const refused = world.cloud.inject(
    { kind: "refuse", on: ["create"], with: "badRequest" },
    { timesMax: 1 },
  );
  await setTarget(world, 1);
  await converges(world, 1, seconds(600));
  assert.equal(refused.fired(), 1);
  const events = await world.events();
  const failed = events.find(({ type }) => type === "server.failed");
  assert.equal(failed?.causes?.[0]?.facts["requestId"], "req-create");
  const building = events.find(({ type }) => type === "server.building");
  const cloudId = building?.facts["cloudId"];
  assert.equal(building?.facts["requestId"], `req-${cloudId}`);
});

test("B4.3 a cloud that lists nothing for a while: nothing is lost, then it goes on", async () => {
  const world = await worldAt(4);
  const outage = world.cloud.inject({
    ...{ kind: "refuse", with: "temporary" },
    on: ["create", "delete", "get", "list", "find"],
  });
  await setTarget(world, 6);
  await world.clock.advance(seconds(300));
  assert.ok(outage.fired() > 0);
  assert.equal(cloudCount(world), 4);
  assert.equal((await rowsOf(world)).length, 4);
  world.heal();
  await converges(world, 6, seconds(600));
});
