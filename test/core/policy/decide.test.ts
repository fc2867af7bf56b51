import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyId } from "../../../src/core/model/ids.js";
import type { Policy } from "../../../src/core/model/policy.js";
import type { Outcome, ScaleAsk, ScaleEvent } from "../../../src/core/model/scale-event.js";
import { decide } from "../../../src/core/policy/decide.js";
import type { DecideInput } from "../../../src/core/policy/decision.js";
import {
  after,
  alertAsk,
  alertRuleOf,
  codesOf,
  dfw,
  eventOf,
  iad,
  inputOf,
  leadOf,
  markOf,
  placementOf,
  policyOf,
  runUp,
  seconds,
  t0,
  upId,
} from "./fixtures.js";

const to = (target: number): ScaleAsk => ({ kind: "target", target });
const by = (change: number): ScaleAsk => ({ kind: "change", change });
const forced: Partial<ScaleEvent> = {
  force: { reason: "launch day", expiresAtMs: t0 + seconds(3_600) },
};
const down: Partial<Policy> = { action: { kind: "change", change: -2 } };
const half: Partial<Policy> = { action: { kind: "percent", partsPerMillion: 500_000 } };
const seven: Partial<Policy> = { action: { kind: "exact", capacity: 7 } };
const groupOut = { lead: leadOf({ groupMarks: { lastOutMs: t0 - seconds(29) } }) };
const groupIn = { lead: leadOf({ groupMarks: { lastInMs: t0 } }) };
const policyOut = { lead: leadOf({ policyMarks: { [upId]: { lastOutMs: t0 - seconds(59) } } }) };
const bothOut = {
  lead: leadOf({
    groupMarks: { lastOutMs: t0 },
    policyMarks: { [upId]: { lastOutMs: t0 - seconds(59) } },
  }),
};
const paused = {
  lead: leadOf({ paused: { sinceMs: t0 - 9, reason: "move", principal: "bob" } }),
};
const full = { placements: [placementOf({ target: 10 })] };
const circle: Partial<ScaleEvent> = { source: "circleBack" };
const hook: Partial<ScaleEvent> = { source: "webhook" };
const clock: Partial<ScaleEvent> = { source: "schedule" };
const hookWindow = {
  lead: leadOf({
    policyMarks: {
      [upId]: { windows: { "asked/out": { openedAtMs: t0 - seconds(9), eventId: "e0" } } },
    },
  }),
};
const alertWindow = {
  alertMarks: [markOf("critical")],
  lead: leadOf({
    policyMarks: {
      [upId]: {
        enteredAtMs: t0 - seconds(9),
        actedAtMs: t0 - seconds(9),
        windows: { "critical/out": { openedAtMs: t0 - seconds(9), eventId: "e0" } },
      },
    },
  }),
};
const standing = (agoMs: number, repeats = 0) => ({
  alertMarks: [markOf("critical")],
  lead: leadOf({
    policyMarks: { [upId]: { enteredAtMs: t0 - agoMs, actedAtMs: t0 - agoMs, repeats } },
  }),
});
const entered = (agoMs: number) => ({
  alertMarks: [markOf("critical", { sinceMs: t0 - agoMs })],
  lead: leadOf({ policyMarks: { [upId]: { enteredAtMs: t0 - agoMs, enteredBy: "e0" } } }),
});
const hold: Partial<Policy> = { alert: alertRuleOf({ holdMs: seconds(60) }) };
const onWarning: Partial<Policy> = { alert: alertRuleOf({ actsOn: "warning" }) };

interface Row {
  readonly title: string;
  readonly ask: ScaleAsk;
  readonly event?: Partial<ScaleEvent>;
  readonly policy?: Partial<Policy>;
  readonly input?: Partial<DecideInput>;
  readonly outcome: Outcome;
  readonly target?: number;
  readonly codes: string;
}

const refused = { outcome: "refused" } as const;
const held = { outcome: "held" } as const;
const noChange = { outcome: "noChange" } as const;
const applied = (target: number) => ({ outcome: "applied", target }) as const;
const out = "B2.2 APPLIED";

const rows: readonly Row[] = [
  // People.
  { title: "set", ask: to(7), ...applied(7), codes: out },
  { title: "set lower", ask: to(2), ...applied(2), codes: out },
  { title: "set to the same", ask: to(4), ...noChange, codes: "B2.4 ALREADY_THERE" },
  { title: "set beyond max", ask: to(50), ...applied(10), codes: `${out}, B2.4 CLAMPED_TO_MAX` },
  { title: "set below min", ask: to(0), ...applied(1), codes: `${out}, B2.4 CLAMPED_TO_MIN` },
  { title: "scale by +3", ask: by(3), ...applied(7), codes: out },
  { title: "scale by -3", ask: by(-3), ...applied(1), codes: out },
  { title: "+1 at max", ask: by(1), input: full, ...noChange, codes: "B2.4 CLAMPED_TO_MAX" },
  { title: "by 0", ask: by(0), ...noChange, codes: "B2.4 ALREADY_THERE" },
  { title: "policy by hand", ask: runUp, ...applied(6), codes: out },
  { title: "percent", ask: runUp, policy: half, ...applied(6), codes: "B2.3 APPLIED" },
  { title: "exact", ask: runUp, policy: seven, ...applied(7), codes: out },
  { title: "scale in", ask: runUp, policy: down, ...applied(2), codes: out },
  // Deleting, gone, paused.
  {
    title: "draining group",
    ask: to(7),
    event: forced,
    input: { lead: leadOf({ deleting: true }) },
    ...refused,
    codes: "B8.4 DELETING",
  },
  {
    title: "group marked as deleting",
    ask: to(7),
    input: { group: { cooldownMs: 0, deleting: true } },
    ...refused,
    codes: "B8.4 DELETING",
  },
  {
    title: "policy that is gone",
    ask: { kind: "policy", policy: "other" as PolicyId },
    event: clock,
    ...refused,
    codes: "B2.1 POLICY_GONE",
  },
  { title: "paused", ask: to(7), input: paused, ...refused, codes: "B8.3 PAUSED" },
  {
    title: "paused beats force",
    ask: to(7),
    event: forced,
    input: paused,
    ...refused,
    codes: "B8.3 PAUSED",
  },
  {
    title: "paused beats alerts",
    ask: alertAsk("critical"),
    input: paused,
    ...refused,
    codes: "B8.3 PAUSED",
  },
  // Cooldowns.
  { title: "group cools", ask: runUp, input: groupOut, ...refused, codes: "B2.5 COOLDOWN_GROUP" },
  {
    title: "policy cools",
    ask: runUp,
    input: policyOut,
    ...refused,
    codes: "B2.5 COOLDOWN_POLICY",
  },
  {
    title: "both cool",
    ask: runUp,
    input: bothOut,
    ...refused,
    codes: "B2.5 COOLDOWN_POLICY, B2.5 COOLDOWN_GROUP",
  },
  {
    title: "±n is held to the group's",
    ask: by(1),
    input: groupOut,
    ...refused,
    codes: "B2.5 COOLDOWN_GROUP",
  },
  { title: "±n has no policy's", ask: by(1), input: policyOut, ...applied(5), codes: out },
  { title: "setting a target passes", ask: to(7), input: bothOut, ...applied(7), codes: out },
  { title: "schedules pass", ask: runUp, event: clock, input: bothOut, ...applied(6), codes: out },
  {
    title: "webhooks cool",
    ask: runUp,
    event: hook,
    input: groupOut,
    ...refused,
    codes: "B2.5 COOLDOWN_GROUP",
  },
  {
    title: "alerts cool",
    ask: alertAsk("critical"),
    input: groupOut,
    ...refused,
    codes: "B2.5 COOLDOWN_GROUP",
  },
  {
    title: "scaling in never delays scaling out",
    ask: runUp,
    input: groupIn,
    ...applied(6),
    codes: out,
  },
  {
    title: "scaling in delays scaling in",
    ask: runUp,
    policy: down,
    input: groupIn,
    ...refused,
    codes: "B2.5 COOLDOWN_GROUP",
  },
  {
    title: "scaling out delays scaling in",
    ask: runUp,
    policy: down,
    input: groupOut,
    ...refused,
    codes: "B2.5 COOLDOWN_GROUP",
  },
  {
    title: "force passes cooldowns",
    ask: runUp,
    event: forced,
    input: bothOut,
    ...applied(6),
    codes: `${out}, B2.7 FORCED`,
  },
  // Debounce.
  {
    title: "webhook merges",
    ask: runUp,
    event: hook,
    input: hookWindow,
    outcome: "merged",
    codes: "B3.1 DEBOUNCED",
  },
  { title: "by hand never merges", ask: runUp, input: hookWindow, ...applied(6), codes: out },
  {
    title: "other direction does not merge",
    ask: runUp,
    event: hook,
    policy: down,
    input: hookWindow,
    ...applied(2),
    codes: out,
  },
  {
    title: "the window is over",
    ask: runUp,
    event: hook,
    policy: { debounceMs: seconds(9) },
    input: hookWindow,
    ...applied(6),
    codes: out,
  },
  {
    title: "force passes debounce",
    ask: runUp,
    event: { ...hook, ...forced },
    input: hookWindow,
    ...applied(6),
    codes: `${out}, B2.7 FORCED`,
  },
  {
    title: "alert merges",
    ask: alertAsk("critical", "k2"),
    input: alertWindow,
    outcome: "merged",
    codes: "B3.1 DEBOUNCED",
  },
  // Alerts.
  { title: "alert enters", ask: alertAsk("critical"), ...applied(6), codes: out },
  { title: "OK", ask: alertAsk("ok"), ...noChange, codes: "B3.2 ALERT_STATE" },
  {
    title: "WARNING is not enough",
    ask: alertAsk("warning"),
    ...noChange,
    codes: "B3.2 ALERT_STATE",
  },
  {
    title: "WARNING where it acts on it",
    ask: alertAsk("warning"),
    policy: onWarning,
    ...applied(6),
    codes: out,
  },
  {
    title: "CRITICAL is a warning, too",
    ask: alertAsk("critical"),
    policy: onWarning,
    ...applied(6),
    codes: out,
  },
  { title: "UNKNOWN", ask: alertAsk("unknown"), ...noChange, codes: "B3.4 DATA_MISSING" },
  {
    title: "UNKNOWN never scales in",
    ask: alertAsk("unknown"),
    policy: { ...down, ...onWarning },
    ...noChange,
    codes: "B3.4 DATA_MISSING",
  },
  {
    title: "not new",
    ask: alertAsk("critical"),
    input: standing(seconds(60)),
    ...noChange,
    codes: "B3.2 ALERT_NOT_ENTERED",
  },
  {
    title: "not new by the timer's time either",
    ask: alertAsk("critical"),
    input: standing(seconds(500)),
    ...noChange,
    codes: "B3.2 ALERT_NOT_ENTERED",
  },
  { title: "must hold", ask: alertAsk("critical"), policy: hold, ...held, codes: "B3.2 HOLDING" },
  {
    title: "holds 59 of 60 s",
    ask: alertAsk("critical"),
    policy: hold,
    input: entered(seconds(59)),
    ...held,
    codes: "B3.2 HOLDING",
  },
  {
    title: "has held",
    ask: alertAsk("critical"),
    policy: hold,
    input: entered(seconds(60)),
    ...applied(6),
    codes: out,
  },
  {
    title: "another key's OK clears nothing",
    ask: alertAsk("ok", "k2"),
    input: entered(seconds(9)),
    ...applied(6),
    codes: out,
  },
  {
    title: "by hand whatever the alerts say",
    ask: runUp,
    input: { alertMarks: [markOf("unknown")] },
    ...applied(6),
    codes: out,
  },
  // No windup.
  {
    title: "alert waits for the answer",
    ask: alertAsk("critical"),
    input: { unanswered: 1 },
    ...held,
    codes: "B2.6 DEMAND_UNANSWERED",
  },
  {
    title: "exact does not climb",
    ask: alertAsk("critical"),
    policy: seven,
    input: { unanswered: 1 },
    ...applied(7),
    codes: out,
  },
  {
    title: "people need not wait",
    ask: by(1),
    input: { unanswered: 9 },
    ...applied(5),
    codes: out,
  },
  {
    title: "webhooks need not wait",
    ask: runUp,
    event: hook,
    input: { unanswered: 9 },
    ...applied(6),
    codes: out,
  },
  {
    title: "schedules need not wait",
    ask: runUp,
    event: clock,
    input: { unanswered: 9 },
    ...applied(6),
    codes: out,
  },
  {
    title: "every circle-back waits",
    ask: runUp,
    event: circle,
    policy: seven,
    input: { ...standing(seconds(120)), unanswered: 1 },
    ...held,
    codes: "B2.6 DEMAND_UNANSWERED",
  },
  // Circling back.
  {
    title: "repeats",
    ask: runUp,
    event: circle,
    input: standing(seconds(120)),
    ...applied(6),
    codes: out,
  },
  {
    title: "too early",
    ask: runUp,
    event: circle,
    input: standing(seconds(119)),
    ...held,
    codes: "B3.3 HOLDING",
  },
  {
    title: "often enough",
    ask: runUp,
    event: circle,
    input: standing(seconds(120), 3),
    ...refused,
    codes: "B3.3 REPEATS_EXHAUSTED",
  },
  {
    title: "has ended meanwhile",
    ask: runUp,
    event: circle,
    input: { alertMarks: [markOf("ok")] },
    ...noChange,
    codes: "B3.2 ALERT_STATE",
  },
  { title: "by silence", ask: runUp, event: circle, ...noChange, codes: "B3.4 DATA_MISSING" },
  // Force.
  {
    title: "force passes max",
    ask: to(15),
    event: forced,
    ...applied(15),
    codes: `${out}, B2.7 FORCED`,
  },
  {
    title: "force passes min",
    ask: to(0),
    event: forced,
    ...applied(0),
    codes: `${out}, B2.7 FORCED`,
  },
  {
    title: "force stops at the hard limit",
    ask: to(9_000),
    event: forced,
    ...applied(2_000),
    codes: `${out}, B1.1 CLAMPED_TO_MAX, B2.7 FORCED`,
  },
  {
    title: "force that has expired lifts no limit",
    ask: to(15),
    event: { force: { reason: "late", expiresAtMs: t0 } },
    ...applied(10),
    codes: `${out}, B2.4 CLAMPED_TO_MAX, B2.7 FORCED`,
  },
];

test("B3.5 the table of decisions", () => {
  for (const row of rows) {
    const input = inputOf({ policy: policyOf(row.policy), ...row.input });
    const before = structuredClone(input);
    const decision = decide(eventOf(row.ask, row.event), input);
    const { receipt, targets } = decision;
    assert.equal(codesOf(decision), row.codes, row.title);
    assert.equal(receipt.outcome, row.outcome, row.title);
    const old = input.placements[0]?.target;
    assert.equal(receipt.oldTarget, old, row.title);
    assert.equal(receipt.newTarget, row.target ?? old, row.title);
    assert.deepEqual(
      targets,
      row.target === undefined ? undefined : { iad: row.target },
      row.title,
    );
    assert.deepEqual(input, before, "pure");
  }
});

test("B2.9 a receipt tells the numbers that decided, and when to ask again", () => {
  const input = inputOf({ policy: policyOf(), ...bothOut });
  const { receipt } = decide(eventOf(runUp), input);
  assert.deepEqual(
    receipt.causes.map(({ facts }) => facts),
    [
      { cooldownMs: seconds(60), retryInMs: seconds(1) },
      { cooldownMs: seconds(30), retryInMs: seconds(30) },
    ],
  );
  assert.equal(receipt.retryAtMs, t0 + seconds(30));
  const merged = decide(eventOf(runUp, hook), inputOf({ policy: policyOf(), ...hookWindow }));
  assert.deepEqual(merged.receipt.causes[0]?.facts, {
    mergedInto: "e0",
    windowMs: seconds(10),
    endsInMs: seconds(1),
  });
});

test("B2.5 setting a target and schedules start cooldowns", () => {
  const input = inputOf({ policy: policyOf() });
  assert.deepEqual(decide(eventOf(to(7)), input).marks.groupMarks, { lastOutMs: t0 });
  assert.deepEqual(decide(eventOf(to(2)), input).marks.groupMarks, { lastInMs: t0 });
  const { marks } = decide(eventOf(runUp, clock), input);
  assert.deepEqual(marks.groupMarks, { lastOutMs: t0 });
  assert.deepEqual(marks.policyMarks[upId], { lastOutMs: t0 });
});

test("B3.1 M2.2 an alert storm of 50 keys acts once", () => {
  let input = inputOf({ policy: policyOf() });
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
  const input = inputOf({ policy: policyOf(), ...groupOut });
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
  const more = decide(eventOf(runUp), inputOf({ placements, policy: policyOf(half) }));
  assert.equal(more.receipt.newTarget, 9);
  assert.deepEqual(more.receipt.placements, [
    { colo: iad, oldTarget: 4, newTarget: 7 },
    { colo: dfw, oldTarget: 2, newTarget: 2 },
  ]);
});
