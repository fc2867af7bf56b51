import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import { OutsideFault } from "../../src/core/errors/outside-fault.js";
import type { AccountId, ColoId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import type { Operation } from "../../src/drivers/cloud-simulated/index.js";
import { createCredentials } from "../../src/supervisor/colo/credentials.js";
import { createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";
import {
  assertNothingTwice,
  converges,
  createGroup,
  groupSpec,
  inService,
  rowsOf,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, type World, type WorldOptions } from "./world.js";

const minutes = (count: number) => count * 60_000;
const quick: NonNullable<WorldOptions["cloud"]> = { listingLagMs: 2_000, createDeadlineMs: 5_000 };
const colo = "iad" as ColoId;
const account = "acme" as AccountId;

async function worldAt(servers: number, cloud = quick): Promise<World> {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(20_000);
  return world;
}

const condition = async (world: World, type: string, key: GroupKey = web) =>
  (await view(world, key)).placements[0]?.conditions.find((one) => one.type === type);
const converge = (world: World, key = web) =>
  world.run(world.node().groups.converge(key, world.caller));
const repin = (world: World, isForced = false) =>
  world.run(world.node().colos.repin({ colo, account, isForced }, world.caller));
const lost = async (world: World) =>
  (await world.events()).filter((one) => one.type === "server.lost").length;

test("B9.7 credentials rotated to another project: a condition, and nothing is lost", async () => {
  const world = await worldAt(3);
  const effects = world.cloud.effects.length;
  const rotated = world.cloud.inject({ kind: "otherProject" });
  await converge(world);
  await world.clock.advance(minutes(10));
  assert.ok(rotated.fired() > 2);
  const degraded = await condition(world, "degraded");
  assert.equal(degraded?.holds, true);
  assert.equal(degraded?.causes[0]?.code, "CREDENTIALS_OTHER_PROJECT");
  assert.match(String(degraded?.causes[0]?.facts["answered"]), /^another-project/);
  await setTarget(world, 5);
  await world.crash();
  await world.clock.advance(minutes(10));
  assert.equal(world.cloud.effects.length, effects, "not even after a restart");
  assert.equal((await rowsOf(world)).length, 3);
  assert.equal(await lost(world), 0);
  world.heal();
  await converges(world, 5, minutes(6));
  assert.equal((await condition(world, "degraded"))?.holds, false);
});

test("B9.7 a stopped account asks its cloud rarely, and at once when a person asks", async () => {
  const world = await worldAt(2);
  const all: Operation[] = ["create", "delete", "get", "list", "find", "project"];
  const expired = world.cloud.inject({ kind: "refuse", on: all, with: "denied" });
  await setTarget(world, 4);
  await world.clock.advance(minutes(30));
  assert.ok(expired.fired() >= 5 && expired.fired() < 60, `${expired.fired()} calls`);
  const degraded = await condition(world, "degraded");
  assert.equal(degraded?.causes[0]?.code, "CREDENTIALS_DENIED");
  assert.equal(await inService(world), 2);
  world.heal();
  await converge(world);
  await converges(world, 4, 30_000);
});

test("B9.7 a denied create, while the credentials are well, is its own group's failure alone", async () => {
  const world = await worldAt(1);
  const other: GroupKey = { account, group: "other" as GroupId };
  await createGroup(world, groupSpec(), other);
  const denied = world.cloud.inject({ kind: "refuse", on: ["create"], with: "denied" });
  await setTarget(world, 3);
  await world.until("denied", () => denied.fired() > 0);
  denied.off();
  const ask = { kind: "target", target: 2 } as const;
  const submit = { key: other, source: "manual", ask } as const;
  await world.run(world.node().scaling.submit(submit, world.caller));
  await world.until("the other goes on", async () => (await inService(world, other)) === 2, 20_000);
  const mine = await condition(world, "degraded");
  assert.equal(mine?.causes[0]?.code, "BACKOFF", "only it waits");
  assert.equal((await condition(world, "degraded", other))?.holds, false);
  await world.until("it tries again", async () => (await inService(world)) === 3, minutes(2));
});

test("B9.7 a denied look at one server stops nobody", async () => {
  const world = await worldAt(1);
  const denied = world.cloud.inject({ kind: "refuse", on: ["get"], with: "denied" });
  const order = { key: web, colo, cloudId: "of-another" as never, keepTarget: false };
  await assert.rejects(world.run(world.node().servers.adopt(order, world.caller)));
  assert.ok(denied.fired() > 0);
  await setTarget(world, 3);
  await world.until("work goes on", async () => (await inService(world)) === 3, 20_000);
});

test("B9.7 a denied listing stops the account: without it nothing of it can be done", async () => {
  const world = await worldAt(1);
  const denied = world.cloud.inject({ kind: "refuse", on: ["list"], with: "denied" });
  await setTarget(world, 3);
  await world.clock.advance(minutes(10));
  assert.ok(denied.fired() > 2 && denied.fired() < 60, `${denied.fired()}`);
  assert.equal((await condition(world, "degraded"))?.causes[0]?.code, "CREDENTIALS_DENIED");
  world.heal();
  await converges(world, 3, minutes(6));
});

test("B9.7 a create refused as denied stops the account, and no group's builds have failed", async () => {
  const world = await worldAt(1);
  const other: GroupKey = { account, group: "other" as GroupId };
  await createGroup(world, groupSpec(), other);
  const on = ["create", "project"] as const;
  const denied = world.cloud.inject({ kind: "refuse", on, with: "denied" });
  await setTarget(world, 3);
  await world.until("denied", () => denied.fired() > 0);
  await world.clock.advance(5_000);
  const before = denied.fired();
  const ask = { kind: "target", target: 2 } as const;
  const submit = { key: other, source: "manual", ask } as const;
  await world.run(world.node().scaling.submit(submit, world.caller));
  await world.clock.advance(10_000);
  assert.equal(denied.fired(), before, "the other group of the account does not even try");
  for (const key of [web, other]) {
    const degraded = await condition(world, "degraded", key);
    assert.deepEqual(
      degraded?.causes.map((one) => one.code),
      ["CREDENTIALS_DENIED"],
    );
  }
  assert.ok(!(await world.events()).some((one) => one.facts["causes"] === "BACKOFF"));
  await world.clock.advance(minutes(30));
  assert.ok(denied.fired() < 80, `${denied.fired()} refused calls`);
  world.heal();
  await world.until("both have theirs", async () => {
    return (await inService(world)) === 3 && (await inService(world, other)) === 2;
  });
  assertNothingTwice(world);
});

test("B9.7 the pin is the first answer, and only an operator changes it", async () => {
  const world = await createWorld({ cloud: quick });
  const first = world.cloud.inject({ kind: "otherProject" });
  await createGroup(world);
  await converge(world);
  await world.clock.advance(20_000);
  assert.ok(first.fired() > 0);
  first.off();
  await setTarget(world, 2);
  await world.clock.advance(minutes(8));
  assert.equal(world.cloud.servers().length, 0, "the right project now, but not the pinned one");
  const stopped = await condition(world, "degraded");
  assert.equal(stopped?.causes[0]?.code, "CREDENTIALS_OTHER_PROJECT");
  const { project, before } = await repin(world);
  assert.equal(project, "project-of-acme");
  assert.match(before ?? "", /^another-project/);
  await converges(world, 2, 60_000);
  assert.deepEqual(await repin(world), { project, before: project });
});

test("B9.7 a pin does not move away from servers, unless it is forced", async () => {
  const world = await worldAt(3);
  const effects = world.cloud.effects.length;
  const rotated = world.cloud.inject({ kind: "otherProject" });
  await assert.rejects(repin(world), (error) => isFault(error, "SERVER_BOUND"));
  assert.ok(rotated.fired() > 0);
  await converge(world);
  await world.clock.advance(minutes(10));
  assert.deepEqual([world.cloud.effects.length, await lost(world)], [effects, 0]);
  assert.equal((await condition(world, "degraded"))?.causes[0]?.code, "CREDENTIALS_OTHER_PROJECT");
  const { project, before } = await repin(world, true);
  assert.match(project, /^another-project/);
  assert.equal(before, "project-of-acme");
});

test("B9.7 another node learns of a new pin when it needs it", async () => {
  const world = await createWorld({ cloud: quick });
  const first = world.cloud.inject({ kind: "otherProject" });
  await createGroup(world);
  await converge(world);
  await world.clock.advance(20_000);
  first.off();
  await setTarget(world, 2);
  await world.clock.advance(minutes(2));
  assert.ok(first.fired() > 0 && world.cloud.servers().length === 0);
  const second = await world.join("node-2");
  await world.run(second.supervisor.colos.repin({ colo, account, isForced: false }, world.caller));
  await converges(world, 2, minutes(6));
});

test("B9.7 a pin is not made up: without projects, or an answer, it is refused", async () => {
  const without = await worldAt(1, { ...quick, hasProjects: false });
  await assert.rejects(repin(without), (error) => isFault(error, "UNSUPPORTED"));
  const world = await worldAt(1);
  const away = world.cloud.inject({ kind: "refuse", on: ["project"], with: "temporary" });
  await assert.rejects(repin(world), (error) => isFault(error, "CLOUD_UNAVAILABLE"));
  assert.equal(away.fired(), 1);
});

test("B9.7 a wall clock that goes back keeps no account stopped", async () => {
  const base = createVirtualClock();
  let wallMs = 0;
  const clock = { ...base, nowMs: () => base.nowMs() + wallMs };
  let recovered = 0;
  const credentials = createCredentials({
    ...{ colo, clock, ids: createSeededIds(1), recovered: () => void recovered++ },
    ...{ source: undefined, rotated: () => {}, signal: new AbortController().signal },
    pins: {
      of: async () => ({ project: "one" }),
      known: () => ({ project: "one" }),
      read: async () => ({ project: "one" }),
      set: async () => {},
    },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const other = async () => "two";
  for (const by of ["look", "change"] as const)
    await credentials.denied(
      account,
      { by, fault: new OutsideFault("denied", "no"), isForAll: false },
      other,
    );
  assert.equal(credentials.isStopped(account), true);
  wallMs = -minutes(60);
  await base.advance(minutes(1));
  assert.equal(credentials.isStopped(account), false);
  await credentials.pinOf(account, other);
  credentials.answered(account, "look");
  assert.deepEqual([credentials.refusal(account), recovered], [undefined, 1]);
});
