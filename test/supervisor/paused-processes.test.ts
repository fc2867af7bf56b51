import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { Processes } from "../../src/core/model/pausable.js";
import {
  alert,
  assertGapFree,
  assertKept,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  policySpec,
  rowsOf,
  setTarget,
  submit,
  targetOf,
  updateGroup,
  upId,
  view,
  web,
} from "./asks.js";
import { createPair, join, part, serversIn } from "./pair.js";
import { createSchedule, cron, hourMs, minuteMs, runsOf, scheduleOf } from "./schedules/asks.js";
import { createWorld, lb, type World } from "./world.js";

const pause = (world: World, ...processes: Processes) =>
  world.run(world.node().groups.pause(web, "look", world.caller, processes));
const resume = (world: World, ...processes: Processes) =>
  world.run(
    world.node().groups.resume(web, world.caller, processes.length > 0 ? processes : undefined),
  );
const pausesOf = async (world: World) =>
  Object.keys((await view(world)).placements[0]!.pausedProcesses ?? {});
const told = async (world: World, process: string) =>
  (await view(world)).placements[0]!.conditions.find(({ type }) => type === "paused")?.causes.find(
    ({ facts }) => facts["process"] === process,
  )?.facts;

test("B8.1 a lost server is not replaced while that is paused; a raised target is met", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3);
  await converges(world, 3);
  await pause(world, "replacement");
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.until(
    "it is missed",
    async () => (await told(world, "replacement"))?.["waiting"] === 1,
  );
  assert.equal((await told(world, "replacement"))?.["principal"], "tester");
  await setTarget(world, 5);
  await world.until("two more", () => cloudCount(world) === 4);
  await world.crash();
  await world.clock.advance(20 * minuteMs);
  assert.equal(cloudCount(world), 4, "and the vacant place outlives the node");
  await resume(world, "replacement");
  await converges(world, 5);
  assert.equal((await rowsOf(world)).filter((row) => row.replaces).length, 1);
  await assertKept(world);
});

test("B8.1 what scaling out had queued does not begin once it is paused", async () => {
  const slow = { latencyMs: { fromMs: 200, toMs: 400 } };
  const world = await createWorld({ cloud: slow, queue: { concurrency: 4 } });
  await createGroup(world);
  await setTarget(world, 40);
  await world.until("some are under way", () => world.cloud.calls.length >= 4, 5_000);
  await pause(world, "scaleOut");
  const pausedAtMs = world.clock.nowMs();
  const creates = () => world.cloud.calls.filter((one) => one.operation === "create");
  await world.clock.advance(5 * minuteMs);
  assert.deepEqual(
    creates().filter((one) => one.beganAtMs > pausedAtMs),
    [],
  );
  assert.equal((await setTarget(world, 45)).outcome, "applied", "the target may move");
  await resume(world);
  await converges(world, 45);
});

test("B8.1 B5.3 a drain that scaling in began stands still while that is paused", async () => {
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 60_000 }];
  const balancers = { behaviour: { connections: 7, drainedAfterMs: hourMs } };
  const world = await createWorld({ balancers });
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  await setTarget(world, 2);
  await converges(world, 2);
  await setTarget(world, 0);
  const draining = async () => (await rowsOf(world)).filter((row) => row.state === "draining");
  await world.until("both drain", async () => (await draining()).length === 2);
  await pause(world, "scaleIn");
  await world.clock.advance(10 * minuteMs);
  assert.deepEqual([(await draining()).length, cloudCount(world)], [2, 2]);
  assert.equal((await told(world, "scaleIn"))?.["waiting"], 2);
  await setTarget(world, 1);
  await world.until("demand takes one back", async () => (await draining()).length === 1);
  await resume(world, "scaleIn");
  await converges(world, 1);
});

test("B8.1 a group that is deleted drains although scaling in is paused", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  await pause(world, "scaleIn");
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  await world.until("all are gone", () => cloudCount(world) === 0);
});

test("B8.1 B3.5 paused alerts are taken in and refused, by whom and why; people are heard", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world);
  await pause(world, "alerts");
  const refused = await alert(world, "critical");
  assert.equal(refused.outcome, "refused");
  const { code, facts } = refused.causes[0]!;
  assert.equal(code, "PROCESS_PAUSED");
  const { process, principal, reason } = facts;
  assert.deepEqual([process, principal, reason], ["alerts", "tester", "look"]);
  assert.ok(Number(facts["sinceAtMs"]) <= world.clock.nowMs());
  const hook = submit(world, { kind: "policy", policy: upId }, { source: "webhook" });
  assert.equal((await world.run(hook)).causes[0]?.code, "PROCESS_PAUSED");
  await world.clock.advance(3 * minuteMs);
  assert.equal(await targetOf(world), 0, "nothing circles back");
  assert.equal((await setTarget(world, 1)).outcome, "applied");
  await resume(world, "alerts");
  await world.until("what stands acts", async () => (await targetOf(world)) === 3, 2 * minuteMs);
});

test("B2.6 places that stay vacant are no unanswered demand: alerts are heard beside them", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createPolicy(world, policySpec({ action: { kind: "change", change: 1 } }));
  await setTarget(world, 2);
  await converges(world, 2);
  await pause(world, "replacement");
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.until(
    "it is missed",
    async () => (await told(world, "replacement"))?.["waiting"] === 1,
  );
  assert.equal((await alert(world, "critical")).outcome, "applied");
});

test("B8.1 B7.2 an occurrence that a pause refused runs after it, once, if it is not too late", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createSchedule(world, { timing: cron("0 * * * *"), graceMs: 10 * minuteMs });
  const outcomes = async () => (await runsOf(world)).map(({ facts }) => facts["outcome"]);
  await pause(world, "schedules");
  await world.clock.advance(hourMs + 5 * minuteMs);
  assert.deepEqual(await outcomes(), ["refused"]);
  const why = (await runsOf(world))[0]!.causes![0]!;
  assert.deepEqual([why.code, why.facts["graceMs"]], ["PROCESS_PAUSED", 10 * minuteMs]);
  await world.crash();
  await resume(world, "schedules");
  await world.clock.advance(minuteMs);
  assert.deepEqual(await outcomes(), ["refused", "applied"]);
  assert.equal(await targetOf(world), 1);
  await pause(world, "schedules");
  await world.clock.advance(hourMs + 10 * minuteMs);
  await resume(world);
  await world.clock.advance(minuteMs);
  assert.deepEqual(await outcomes(), ["refused", "applied", "refused"], "too late by now");
  assert.equal((await scheduleOf(world)).last?.outcome, "missed");
  await world.clock.advance(hourMs);
  assert.equal(await targetOf(world), 2);
  await assertKept(world);
  assertGapFree(await world.events());
});

test("B8.1 B7.4 a window neither opens nor ends while schedules are paused", async () => {
  const world = await createWorld();
  await createGroup(world);
  const action = { kind: "window", limits: { min: 2 }, durationMs: 5 * minuteMs } as const;
  await createSchedule(world, { timing: cron("*/10 * * * *"), action });
  await pause(world, "schedules");
  await world.clock.advance(12 * minuteMs);
  assert.equal(await targetOf(world), 0);
  await resume(world, "schedules");
  await world.until("it is open", async () => (await targetOf(world)) === 2, minuteMs);
});

test("B8.2 each process has its own pause, which the first who paused it keeps", async () => {
  const world = await createWorld();
  await createGroup(world);
  await pause(world, "scaleIn", "alerts");
  await pause(world, "alerts", "schedules");
  assert.deepEqual(await pausesOf(world), ["scaleIn", "alerts", "schedules"]);
  const said = (await world.events()).filter(({ type }) => type === "group.paused");
  assert.deepEqual(
    said.map(({ facts }) => facts["processes"]),
    ["scaleIn, alerts", "schedules"],
  );
  await resume(world, "alerts");
  await resume(world, "alerts");
  assert.deepEqual(await pausesOf(world), ["scaleIn", "schedules"]);
  await world.run(world.node().groups.pause(web, "all of it", world.caller));
  await resume(world, "scaleIn");
  assert.equal((await view(world)).placements[0]!.paused?.reason, "all of it", "that stands");
  assert.deepEqual(await pausesOf(world), ["schedules"]);
  await resume(world);
  const { paused } = (await view(world)).placements[0]!;
  assert.deepEqual([paused, await pausesOf(world)], [undefined, []]);
});

test("B11.3 B8.1 a cut-off colo hears of each process, and of the newest word on it", async () => {
  const { world, ams } = await createPair();
  await setTarget(world, 4);
  await converges(world, 4);
  const { groups } = ams.supervisor;
  const untold = (error: unknown) => isFault(error, "COLO_UNREACHABLE");
  const cutOff = (word: Promise<unknown>) => assert.rejects(world.run(word), untold);
  part(world);
  await cutOff(groups.pause(web, "in", world.caller, ["scaleIn"]));
  await cutOff(groups.pause(web, "al", world.caller, ["alerts", "replacement"]));
  await cutOff(groups.resume(web, world.caller, ["replacement"]));
  await setTarget(world, 2);
  await world.until("iad scales in by itself", () => serversIn(world, "iad") === 1);
  join(world);
  const inColo = async (colo: string) =>
    (await view(world)).placements.find((one) => one.colo === colo)?.pausedProcesses ?? {};
  const names = async () =>
    Object.keys(await inColo("iad"))
      .toSorted()
      .join();
  await world.until("iad has heard", async () => (await names()) === "alerts,scaleIn", 60_000);
  assert.deepEqual(Object.keys(await inColo("ams")).toSorted(), ["alerts", "scaleIn"]);
  part(world);
  await cutOff(groups.resume(web, world.caller));
  await cutOff(groups.pause(web, "again", world.caller));
  join(world);
  await world.until(
    "all of iad is paused, and nothing alone",
    async () => {
      const { placements } = await view(world);
      return placements.every((one) => one.paused && !one.pausedProcesses);
    },
    60_000,
  );
});

test("B8.5 B8.1 a rebuild is replacement: held while that is paused, whatever scaling does", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3);
  await converges(world, 3);
  await updateGroup(world, { launch: { ...groupSpec().launch, image: "newer" } });
  await pause(world, "replacement");
  const options = { pauseMs: 0, checkpoints: [], stopAfter: 3, rollBack: false };
  const word = { kind: "start", options } as const;
  await world.run(world.node().groups.rebuild({ key: web, word }, world.caller));
  await world.clock.advance(10 * minuteMs);
  const revisions = async () => (await rowsOf(world)).map((row) => row.launchRevision).toSorted();
  assert.deepEqual(await revisions(), [1, 1, 1]);
  await pause(world, "scaleOut", "scaleIn");
  await resume(world, "replacement");
  const isDone = async () => (await revisions()).join() === "2,2,2";
  await world.until("all are replaced", isDone, hourMs);
  assert.equal(cloudCount(world), 3);
});
