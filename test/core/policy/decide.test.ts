import assert from "node:assert/strict";
import { test } from "node:test";
import { decide } from "../../../src/core/policy/decide.js";
import { bothOut, by, clock, forced, groupOut, half, hook, hookWindow, to } from "./decide-rows.js";
import {
  after,
  alertAsk,
  codesOf,
  dfw,
  eventOf,
  iad,
  inputOf,
  markOf,
  placementOf,
  policyOf,
  runUp,
  seconds,
  t0,
  upId,
} from "./fixtures.js";

test("B2.9 a receipt tells the numbers that decided, and when to ask again", () => {
  const input = inputOf({ policies: [policyOf()], ...bothOut });
  const { receipt } = decide(eventOf(runUp), input);
  assert.deepEqual(
    receipt.causes.map(({ facts }) => facts),
    [
      { cooldownMs: seconds(60), retryInMs: seconds(1) },
      { cooldownMs: seconds(30), retryInMs: seconds(30) },
    ],
  );
  assert.equal(receipt.retryAtMs, t0 + seconds(30));
  const merged = decide(eventOf(runUp, hook), inputOf({ policies: [policyOf()], ...hookWindow }));
  assert.deepEqual(merged.receipt.causes[0]?.facts, {
    mergedInto: "e0",
    windowMs: seconds(10),
    endsInMs: seconds(1),
  });
});

test("B2.5 setting a target and schedules start cooldowns", () => {
  const input = inputOf({ policies: [policyOf()] });
  assert.deepEqual(decide(eventOf(to(7)), input).marks.groupMarks, { lastOutMs: t0 });
  assert.deepEqual(decide(eventOf(to(2)), input).marks.groupMarks, { lastInMs: t0 });
  const { marks } = decide(eventOf(runUp, clock), input);
  assert.deepEqual(marks.groupMarks, { lastOutMs: t0 });
  assert.deepEqual(marks.policyMarks[upId], { lastOutMs: t0 });
});

test("B3.1 M2.2 an alert storm of 50 keys acts once", () => {
  let input = inputOf({ policies: [policyOf()] });
  const outcomes = new Map<string, number>();
  for (let key = 0; key < 50; key++) {
    const decision = decide(eventOf(alertAsk("critical", `k${key}`)), input);
    const { outcome } = decision.receipt;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    input = { ...after(input, decision), nowMs: input.nowMs + 100 };
  }
  assert.deepEqual(
    [...outcomes],
    [
      ["applied", 1],
      ["merged", 49],
    ],
  );
  assert.equal(input.alertMarks.length, 50, "alert states are always updated");
});

test("B3.1 a refusal opens no window, and alert states are updated all the same", () => {
  const input = inputOf({ policies: [policyOf()], ...groupOut });
  const decision = decide(eventOf(alertAsk("critical")), input);
  assert.equal(decision.marks.policyMarks[upId]?.windows, undefined);
  assert.deepEqual(decision.alertMarks.puts, [markOf("critical")]);
  assert.equal(decision.marks.policyMarks[upId]?.enteredAtMs, t0);
});

test("B2.7 forced limits are given per placement, for those that pass their own", () => {
  const placements = [placementOf({ max: 5 }), placementOf({ colo: dfw, max: 20, target: 4 })];
  const input = inputOf({ placements });
  assert.deepEqual(decide(eventOf(to(20), forced), input).forced, {});
  const beyond = decide(eventOf(to(31), forced), input);
  assert.deepEqual(beyond.targets, { iad: 11, dfw: 20 });
  const limits = { max: 11, reason: "launch day", expiresAtMs: t0 + seconds(3_600) };
  assert.deepEqual(beyond.forced, { [iad]: limits });

  const later = { ...after(input, beyond), nowMs: t0 + seconds(29) };
  const plus = decide(eventOf(by(1)), later);
  assert.equal(plus.receipt.outcome, "refused", "a forced decision starts the cooldown");
  const renewal = { force: { reason: "longer", expiresAtMs: t0 + seconds(7_200) } };
  const renewed = decide(eventOf(to(31), renewal), later);
  assert.equal(renewed.receipt.outcome, "noChange");
  assert.deepEqual(renewed.forced, {
    [iad]: { max: 11, reason: "longer", expiresAtMs: t0 + seconds(7_200) },
  });
});

test("B11.1 B11.2 +2 is two in all, percent is of the sum, and old sights are told", () => {
  const placements = [
    placementOf({ weight: 3 }),
    placementOf({ colo: dfw, target: 2, ageMs: 700 }),
  ];
  const plus = decide(eventOf(by(2)), inputOf({ placements }));
  assert.deepEqual(plus.targets, { iad: 6, dfw: 2 });
  assert.equal(plus.receipt.causes[0]?.facts["othersSeenBeforeMs"], 700);
  const more = decide(eventOf(runUp), inputOf({ placements, policies: [policyOf(half)] }));
  assert.equal(more.receipt.newTarget, 9);
  assert.deepEqual(more.receipt.placements, [
    { colo: iad, oldTarget: 4, newTarget: 7 },
    { colo: dfw, oldTarget: 2, newTarget: 2 },
  ]);
});

test("B3.2 an alert that comes back after silence enters anew", () => {
  const first = decide(eventOf(alertAsk("critical")), inputOf({ policies: [policyOf()] }));
  const input = after(inputOf({ policies: [policyOf()] }), first);
  const within = { ...input, nowMs: t0 + seconds(600) };
  const beyond = { ...input, nowMs: t0 + seconds(601) };
  assert.equal(codesOf(decide(eventOf(alertAsk("critical")), within)), "B3.2 ALERT_NOT_ENTERED");
  assert.equal(decide(eventOf(alertAsk("critical")), beyond).receipt.outcome, "applied");
});

test("B3.2 alert marks ahead of the clock are put right with the next report", () => {
  const ahead = markOf("ok", { key: "k2", refreshedAtMs: t0 + seconds(9) });
  const input = inputOf({ policies: [policyOf()], alertMarks: [ahead] });
  const { puts } = decide(eventOf(alertAsk("ok")), input).alertMarks;
  assert.deepEqual(puts, [markOf("ok"), markOf("ok", { key: "k2" })]);
});
