import assert from "node:assert/strict";
import { test } from "node:test";
import type { AlertMark, AlertState } from "../../../src/core/model/policy.js";
import {
  actsIn,
  aggregateState,
  alertKeysMax,
  readinessOf,
  recordReport,
  settleEntered,
} from "../../../src/core/policy/alerts.js";
import { alertRuleOf, markOf, policyOf, seconds, t0 } from "./fixtures.js";

const aggregates: readonly [states: readonly AlertState[], seen: AlertState][] = [
  [[], "unknown"],
  [["ok"], "ok"],
  [["ok", "ok"], "ok"],
  [["warning"], "warning"],
  [["ok", "warning"], "warning"],
  [["critical", "ok"], "critical"],
  [["critical", "warning", "unknown", "ok"], "critical"],
  [["unknown", "warning"], "warning"],
  [["unknown", "ok"], "unknown"],
  [["unknown"], "unknown"],
];

test("B3.2 the policy sees the worst of its keys, and no key's OK clears another's state", () => {
  for (const [states, seen] of aggregates) {
    const marks = states.map((state, index) => markOf(state, { key: `k${index}` }));
    assert.equal(aggregateState(marks, alertRuleOf(), t0), seen, states.join());
  }
});

test("B3.2 keys vote: any, a share, or all of them make a state the policy's", () => {
  const [any, majority, all] = [undefined, 510_000, 1_000_000];
  const rows: readonly [states: string, votes: number | undefined, seen: AlertState][] = [
    ["critical ok ok", any, "critical"],
    ["critical ok ok", majority, "ok"],
    ["critical critical ok", majority, "critical"],
    ["critical ok", majority, "ok"],
    ["critical warning ok", majority, "warning"],
    ["critical unknown ok", majority, "unknown"],
    ["critical critical unknown", majority, "critical"],
    ["critical critical critical ok", all, "ok"],
    ["critical warning critical", all, "warning"],
    ["critical unknown", all, "unknown"],
    ["ok ok unknown", all, "ok"],
    ["critical", majority, "critical"],
    ["critical ok ok ok", 250_000, "critical"],
    ["critical ok ok ok", 250_001, "ok"],
    ["critical ok ok ok ok ok ok ok ok ok", 100_000, "critical"],
  ];
  for (const [states, votesPartsPerMillion, seen] of rows) {
    const marks = states
      .split(" ")
      .map((state, index) => markOf(state as AlertState, { key: `k${index}` }));
    const votes = votesPartsPerMillion === undefined ? {} : { votesPartsPerMillion };
    assert.equal(aggregateState(marks, alertRuleOf(votes), t0), seen, `${states} ${votes}`);
  }
});

test("B3.2 a key that is not refreshed within its time to live is UNKNOWN", () => {
  const rule = alertRuleOf({ timeToLiveMs: 100 });
  assert.equal(aggregateState([markOf("critical")], rule, t0 + 100), "critical");
  assert.equal(aggregateState([markOf("critical")], rule, t0 + 101), "unknown");
  const fresh = markOf("ok", { key: "k2", refreshedAtMs: t0 + 101 });
  assert.equal(aggregateState([markOf("critical"), fresh], rule, t0 + 101), "unknown");
});

test("B3.2 CRITICAL is at least a WARNING, and UNKNOWN is neither", () => {
  const acting = (actsOn: "warning" | "critical") =>
    (["ok", "unknown", "warning", "critical"] as const).filter((state) => actsIn(state, actsOn));
  assert.deepEqual(acting("warning"), ["warning", "critical"]);
  assert.deepEqual(acting("critical"), ["critical"]);
});

test("B3.2 a report keeps its since while the state stays, and is refreshed", () => {
  const policy = policyOf();
  const report = (state: AlertState, marks: readonly AlertMark[], nowMs: number) =>
    recordReport(marks, { key: "k1", state }, { policy, nowMs });
  const first = report("warning", [], t0);
  const again = report("warning", first.marks, t0 + 5);
  const worse = report("critical", again.marks, t0 + 9);
  const late = report("critical", worse.marks, t0 + 9 + seconds(601));
  assert.deepEqual(again.marks, [markOf("warning", { refreshedAtMs: t0 + 5 })]);
  assert.equal(worse.marks[0]?.sinceMs, t0 + 9);
  assert.equal(late.marks[0]?.sinceMs, t0 + 9 + seconds(601));
});

test("B3.2 keys that went silent are forgotten, and their number is bounded", () => {
  const policy = policyOf();
  const silent = markOf("critical", { key: "gone", refreshedAtMs: t0 - seconds(1_201) });
  const expired = markOf("critical", { key: "late", refreshedAtMs: t0 - seconds(1_200) });
  const report = { key: "new", state: "ok" } as const;
  const few = recordReport([silent, expired], report, { policy, nowMs: t0 });
  assert.deepEqual(
    few.marks.map(({ key }) => key),
    ["late", "new"],
  );
  assert.deepEqual(few.changes.deletes, [{ policy: policy.id, key: "gone" }]);

  const full = Array.from({ length: alertKeysMax }, (_, index) =>
    markOf(index === 0 ? "critical" : "ok", { key: `k${index}`, refreshedAtMs: t0 - 1 - index }),
  );
  const many = recordReport(full, report, { policy, nowMs: t0 });
  assert.equal(many.marks.length, alertKeysMax);
  assert.deepEqual(many.changes.deletes, [{ policy: policy.id, key: `k${alertKeysMax - 1}` }]);
  assert.ok(
    many.marks.some(({ key }) => key === "k0"),
    "what is critical is kept",
  );
});

test("B3.2 entering is noted once, leaving forgets it with what was done about it", () => {
  const entered = settleEntered({ lastOutMs: 1 }, { stands: true, nowMs: 5, eventId: "e1" });
  assert.deepEqual(entered, { lastOutMs: 1, enteredAtMs: 5, enteredBy: "e1" });
  assert.equal(settleEntered(entered, { stands: true, nowMs: 9, eventId: "e2" }), entered);
  const acted = { ...entered, actedAtMs: 6, repeats: 2 };
  assert.deepEqual(settleEntered(acted, { stands: false, nowMs: 9 }), { lastOutMs: 1 });
  const calm = { lastOutMs: 1 };
  assert.equal(settleEntered(calm, { stands: false, nowMs: 9 }), calm);
});

test("B3.3 repeats are at least 30 s apart", () => {
  const acted = { enteredAtMs: t0, actedAtMs: t0 };
  const ready = readinessOf(acted, alertRuleOf({ repeatMs: 1 }));
  assert.deepEqual(ready, { kind: "repeat", atMs: t0 + seconds(30) });
  const exhausted = readinessOf({ ...acted, repeats: 3 }, alertRuleOf());
  assert.deepEqual(exhausted, { kind: "exhausted", repeats: 3 });
});
