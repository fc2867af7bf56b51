import assert from "node:assert/strict";
import { before, test } from "node:test";
import { tenth as plan } from "../simulation/drill/plan.js";
import { sum } from "../simulation/drill/recovery.js";
import { type OutageRun, runOutage } from "./drill.js";

/**
 * The outage drill on the real stack: three daemons side by side, each with a cloud of processes of
 * its own that slows and fails at the same time. One has no demand, one its brakes, one has none.
 */
const demands = ["none", "braked", "unbraked"] as const;
const runs = new Map<OutageRun["demand"], OutageRun>();
const run = (demand: OutageRun["demand"]) => runs.get(demand)!;

before(async () => {
  const all = await Promise.all(demands.map((demand, place) => runOutage(demand, place)));
  for (const one of all) runs.set(one.demand, one);
});

test("M6.3 on the real stack the cloud was ill, and its tenants starved", () => {
  for (const { demand, seconds, blip } of runs.values()) {
    const during = seconds.filter(
      ({ atMs }) => atMs >= blip.blipStartMs && atMs + 1_000 <= blip.blipEndMs,
    );
    assert.ok(sum(during.map(({ tenants }) => tenants.refused)) > 100, demand);
    assert.equal(during.at(-1)?.tenants.answered, 0, demand);
  }
  assert.equal(sum(run("none").seconds.map((one) => one.ours.arrived)), 0);
});

test("M6.3 B9.4 on the real stack the cloud recovers with brakes as fast as with no demand", (t) => {
  const seconds = (demand: OutageRun["demand"]) => run(demand).recoveryMs / 1_000;
  const [none, braked, unbraked] = demands.map(seconds);
  t.diagnostic(`recovered after ${none} s alone, ${braked} s with, ${unbraked} s without brakes`);
  for (const { demand, seconds: told, blip } of runs.values()) {
    const perSecond = told
      .filter(({ atMs }) => atMs >= blip.blipStartMs)
      .map((one) => one.ours.arrived);
    t.diagnostic(`${demand}: requests per second from the blip on: ${perSecond.join(" ")}`);
  }
  assert.ok(none! > 15, "the trouble outlasts its cause");
  assert.ok(braked! <= 1.1 * none!, `${braked} s with brakes, ${none} s with no demand`);
  assert.ok(unbraked! >= 1.15 * none!, `${unbraked} s without brakes, ${none} s with no demand`);
});

test("B2.6 M2.4 M6.1 on the real stack no target winds up, and each group gets its servers once", (t) => {
  const { convergedMs, windups, running, restless, groups, soundGroups } = run("braked");
  assert.deepEqual(windups, []);
  assert.ok(convergedMs !== undefined, "some group never got there");
  t.diagnostic(
    `all ${groups.length} groups had theirs ${Math.round(convergedMs)} ms after the blip`,
  );
  assert.deepEqual(restless, []);
  assert.equal(running.length, (groups.length + soundGroups.length) * plan.enough);
  assert.equal(groups.length, plan.groups);
  assert.equal(new Set(running.map((one) => one.intention)).size, running.length, "nothing twice");
});

test("M6.3 on the real stack the other colo does not notice", (t) => {
  const worst = (demand: OutageRun["demand"]) => Math.max(...run(demand).soundMs);
  t.diagnostic(`${worst("none")} ms alone, ${worst("braked")} ms beside the sick one`);
  assert.equal(run("braked").soundMs.length, plan.soundGroups);
  // One machine bears all three daemons, and one repeat of the alarm is 30 s.
  assert.ok(worst("braked") <= worst("none") + 15_000);
});
