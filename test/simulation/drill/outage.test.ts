import assert from "node:assert/strict";
import { before as beforeAll, test } from "node:test";
import { full } from "./plan.js";
import { sum } from "./recovery.js";
import { type DrillRun, runDrill } from "./run.js";
import { sick, sound } from "./stage.js";

/**
 * A cloud slows and fails for five minutes while 500 groups in it alarm. Three runs of one seed: no
 * demand from Muster, with its brakes, and without. `SEED=…` takes another.
 */
const seed = Number(process.env["SEED"] ?? 1);
const runs = new Map<DrillRun["demand"], DrillRun>();
const run = (demand: DrillRun["demand"]) => runs.get(demand)!;

beforeAll(async () => {
  for (const demand of ["none", "braked", "unbraked"] as const)
    runs.set(demand, await runDrill(demand, full, seed));
});

test("M6.3 the drill bites: the cloud was ill, its tenants starved, and demand stood all the while", () => {
  for (const { demand, seconds, blip } of runs.values()) {
    const during = seconds.filter(
      ({ atMs }) => atMs >= blip.blipStartMs && atMs + 1_000 <= blip.blipEndMs,
    );
    const total = (of: (second: (typeof during)[number]) => number) => sum(during.map(of));
    assert.ok(total(({ tenants }) => tenants.refused) > 10_000, demand);
    assert.ok(total(({ tenants }) => tenants.wasted) > 1_000, demand);
    const last = during.at(-1)!;
    assert.equal(last.tenants.answered, 0, "nobody was answered in time");
  }
  const asked = (demand: DrillRun["demand"]) =>
    sum(run(demand).seconds.map((one) => one.ours.arrived));
  assert.equal(asked("none"), 0);
  assert.ok(asked("braked") > (full.enough - full.before) * full.groups);
});

test("M6.3 B9.4 with brakes the cloud recovers as fast as with no demand at all, without them it does not", (t) => {
  const [none, braked, unbraked] = (["none", "braked", "unbraked"] as const).map(
    (demand) => run(demand).recoveryMs / 1_000,
  );
  t.diagnostic(`recovered after ${none} s alone, ${braked} s with, ${unbraked} s without brakes`);
  assert.ok(none! > 60, "the trouble outlasts its cause");
  assert.ok(braked! <= 1.1 * none!, `${braked} s with brakes, ${none} s with no demand`);
  assert.ok(unbraked! >= 1.3 * none!, `${unbraked} s without brakes, ${none} s with no demand`);
});

test("B9.4 calls to a sick cloud stay at a probe's pace", (t) => {
  const { seconds, blip, recoveryMs } = run("braked");
  const sickMs = blip.blipEndMs + recoveryMs;
  const calls = sum(
    seconds
      .filter(({ atMs }) => atMs >= blip.blipStartMs + 60_000 && atMs < sickMs)
      .map((one) => one.ours.arrived),
  );
  const perSecond = (calls * 1_000) / (sickMs - blip.blipStartMs - 60_000);
  t.diagnostic(`${calls} calls, ${perSecond.toFixed(2)} a second`);
  assert.ok(perSecond < 0.5, `${perSecond} calls a second`);
});

test("B2.6 M2.4 no target winds up, and every group has what it needs soon after the outage", (t) => {
  const { windups, convergedMs, recoveryMs, groups, stage } = run("braked");
  assert.deepEqual(windups, []);
  assert.ok(convergedMs !== undefined, "some group never got there");
  t.diagnostic(`all ${groups.length} groups had theirs ${convergedMs / 1_000} s after the blip`);
  assert.ok(convergedMs <= recoveryMs + 180_000);
  const cloud = stage.cluster.clouds.get(sick)!;
  assert.equal(
    cloud.servers().length,
    groups.length * full.enough,
    "nothing left over, nothing short",
  );
});

test("M6.1 M6.3 no server was made twice, and the other colo felt nothing", async () => {
  const { stage, groups, soundMs } = run("braked");
  for (const cloud of stage.cluster.clouds.values())
    for (const [intention, creates] of cloud.createsByIntention())
      assert.equal(creates, 1, `${intention} was created ${creates} times`);
  for (const { key, target, inService } of await stage.standings(groups)) {
    assert.equal(target, full.enough, key.group);
    assert.equal(inService, full.enough, key.group);
  }
  const alone = run("none").soundMs;
  assert.equal(soundMs.length, full.soundGroups);
  const worst = (times: readonly number[]) => Math.max(...times);
  assert.ok(Math.abs(worst(soundMs) - worst(alone)) <= 5_000, `${soundMs} and ${alone} alone`);
  const others = stage.cluster.clouds.get(sound)!;
  assert.equal(others.servers().length, full.soundGroups * full.enough);
});
