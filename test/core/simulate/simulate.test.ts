import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../../../src/core/errors/fault.js";
import type { ColoId, PolicyId, ScheduleId } from "../../../src/core/model/ids.js";
import type { PolicyAction } from "../../../src/core/model/policy.js";
import type { Schedule, ScheduleAction } from "../../../src/core/model/schedule.js";
import { simulationLimits } from "../../../src/core/simulate/limits.js";
import { createSimulation } from "../../../src/core/simulate/simulate.js";
import { alertRuleOf, policyOf, seconds, t0 } from "../policy/fixtures.js";
import {
  execute,
  groupOf,
  inputOf,
  manual,
  minutes,
  pointsOf,
  report,
  simulate,
  toldOf,
} from "./fixtures.js";

test("B2.6 B3.3 an alert that stands circles back once its servers are there, and not before", () => {
  const repeating = policyOf({ cooldownMs: 0, alert: alertRuleOf({ repeatMs: seconds(60) }) });
  const told = simulate({ policies: [repeating], events: [report(60, "critical")] });
  assert.deepEqual(pointsOf(told).slice(0, 5), [
    "0 2/2",
    "60 4/2",
    "180 4/4",
    "210 6/4",
    "330 6/6",
  ]);
  const slow = simulate({
    policies: [repeating],
    events: [report(60, "critical")],
    bootMs: minutes(30),
  });
  assert.deepEqual(pointsOf(slow), ["0 2/2", "60 4/2", "1860 4/4"]);
});

test("B2.5 B2.9 what is refused is told and counted by its reason", () => {
  const events = [execute(0), execute(10), execute(59), execute(60), execute(61)];
  const told = simulate({ events });
  assert.deepEqual(toldOf(told), [
    "0 manual applied 4",
    "10 manual refused B2.5 COOLDOWN_POLICY",
    "59 manual refused B2.5 COOLDOWN_POLICY",
    "60 manual applied 6",
    "61 manual refused B2.5 COOLDOWN_POLICY",
  ]);
  const count = { outcome: "refused", rule: "B2.5", code: "COOLDOWN_POLICY", policy: "up" };
  assert.deepEqual(told.outcomes, [{ ...count, count: 3 }]);
  const few = simulate({ events, decisionsMax: 2 });
  assert.deepEqual(toldOf(few), ["0 manual applied 4", "60 manual applied 6"], "these come first");
  assert.equal(few.decisionsCount, 5);
});

test("B4.4 scaling in takes what is on its way first, and server-hours end with it", () => {
  const told = simulate({ events: [manual(0, 10), manual(60, 3)], untilMs: t0 + minutes(10) });
  assert.deepEqual(pointsOf(told), ["0 10/2", "60 3/2", "120 3/3"]);
  assert.equal(told.serverMs, seconds(60 * 10 + 540 * 3));
});

test("B2.1 B3.6 a metric is followed out at once, in after its window", () => {
  const action: PolicyAction = {
    ...{ kind: "tracking", metric: "cpu", target: 0.5 },
    ...{ tolerancePartsPerMillion: 100_000, stabilisationMs: minutes(5) },
  };
  const policies = [policyOf({ action, cooldownMs: 0, debounceMs: 0 })];
  const samples = Array.from({ length: 30 }, (_, at) => report(60 * at, "ok", at < 5 ? 0.9 : 0.2));
  const told = simulate({ policies, events: samples, untilMs: t0 + minutes(12) });
  const [first, second] = pointsOf(told);
  assert.deepEqual([first, second], ["0 4/2", "120 4/4"]);
  assert.equal(told.capacity.at(-1)?.desired !== 4, true, "it scales in once its window is over");
  const shared = samples.map((one) => ({ ...one, ofServers: 2 }));
  const steady = simulate({ policies, events: shared.slice(0, 5), untilMs: t0 + minutes(5) });
  assert.deepEqual(pointsOf(steady), ["0 4/2", "120 4/4"], "four share what two measured");
  const fixed = simulate({ policies, events: samples.slice(0, 5), untilMs: t0 + minutes(5) });
  assert.notDeepEqual(pointsOf(fixed), pointsOf(steady), "as if nothing had helped");
});

function scheduleOf(id: string, cron: string, action: ScheduleAction): Schedule {
  return {
    ...{ id: id as ScheduleId, uid: id, generation: 1, createdAtMs: 0, updatedAtMs: 0 },
    ...{ displayName: id, timing: { kind: "cron", cron, timeZone: "UTC" }, action },
    // Made long after what is simulated: it counts all the same.
    ...{ timedAtMs: t0 + minutes(6_000), graceMs: minutes(60) },
  };
}

test("B7.1 B7.4 schedules run and windows hold as if they had always been there", () => {
  const schedules = [
    scheduleOf("target", "10 * * * *", { kind: "target", target: 4 }),
    scheduleOf("floor", "20 * * * *", {
      ...{ kind: "window", limits: { floor: 9 }, durationMs: minutes(15) },
    }),
  ];
  const told = simulate({ schedules, bootMs: 0 });
  assert.deepEqual(pointsOf(told), ["0 2/2", "600 4/4", "1200 9/9", "2100 4/4"]);
  assert.deepEqual(toldOf(told), ["600 schedule applied 4"]);
});

test("B2.7 force is over when it expires", () => {
  const force = { reason: "launch day", expiresAtMs: t0 + minutes(20) };
  const told = simulate({ events: [{ ...manual(60, 25), force }], bootMs: 0 });
  assert.deepEqual(pointsOf(told), ["0 2/2", "60 25/25", "1200 20/20"]);
});

test("B11.1 the target is split over placements, and clamped into limits that are tried", () => {
  const [placement] = groupOf().placements;
  const other = { ...placement!, colo: "dfw" as ColoId, min: 3, max: 5 };
  const group = groupOf({ placements: [placement!, other] });
  const told = simulate({ group, startTarget: 1, events: [manual(60, 400)], bootMs: 0 });
  assert.deepEqual(pointsOf(told), ["0 4/4", "60 25/25"]);
  const [{ receipt } = { receipt: undefined }] = told.decisions;
  assert.deepEqual(
    receipt?.placements.map(({ newTarget }) => newTarget),
    [20, 5],
  );
});

test("B2.1 what is asked of a policy that is gone is refused, not an error", () => {
  const told = simulate({ events: [execute(60, "old" as PolicyId)] });
  assert.deepEqual(toldOf(told), ["60 manual refused B2.1 POLICY_GONE"]);
});

test("B4.11 a simulation that never comes to rest ends, and long ones are told in few points", () => {
  const events = Array.from({ length: simulationLimits.decisionsMax + 1 }, () => execute(60));
  const endless = createSimulation(inputOf({ events, decisionsMax: 1 }));
  assert.throws(
    () => {
      while (endless.goOn(100));
    },
    (error) => error instanceof Fault && error.reason === "LIMIT_EXCEEDED",
  );
  const waves = Array.from({ length: 30_000 }, (_, at) => manual(60 * at, at % 2 === 0 ? 9 : 3));
  const untilMs = t0 + minutes(30_000);
  const told = simulate({ events: waves, untilMs, bootMs: 0, decisionsMax: 10 });
  assert.ok(told.capacity.length <= simulationLimits.pointsMax, `${told.capacity.length} points`);
  assert.ok(told.capacity.filter(({ desired }) => desired === 9).length > 1_000, "peaks stay");
  assert.ok((told.capacity.at(-1)?.atMs ?? 0) > untilMs - minutes(10), "to its end");
});

test("style 7 the same events tell the same story, in whatever pieces it is run", () => {
  const events = Array.from({ length: 200 }, (_, at) =>
    report(at * 17, at % 5 < 3 ? "critical" : "ok", at),
  );
  const whole = createSimulation(inputOf({ events }));
  while (whole.goOn(1_000_000));
  assert.deepEqual(whole.result(), simulate({ events }));
});
