import assert from "node:assert/strict";
import { test } from "node:test";
import { checkSteps } from "../../../src/core/model/breach-steps.js";
import type { AlertMark, BreachStep, StepsAction } from "../../../src/core/model/policy.js";
import { wishOf } from "../../../src/core/policy/wish.js";
import { alertRuleOf, markOf, t0 } from "./fixtures.js";

const plus = (change: number) => ({ kind: "change", change }) as const;

const above: StepsAction = {
  kind: "steps",
  threshold: 0.7,
  steps: [
    { lower: 0, upper: 0.1, action: plus(1) },
    { lower: 0.1, upper: 0.2, action: { kind: "percent", partsPerMillion: 500_000 } },
    { lower: 0.2, action: { kind: "exact", capacity: 9 } },
  ],
};
const below: StepsAction = {
  kind: "steps",
  threshold: 0.3,
  steps: [
    { upper: -0.1, action: plus(-3) },
    { lower: -0.1, upper: 0, action: plus(-1) },
  ],
};
const worth = (value: number | undefined, key = "k1"): AlertMark =>
  markOf("critical", { key, ...(value === undefined ? {} : { value }) });

function wants(action: StepsAction, marks: readonly AlertMark[], votes?: number): number | string {
  const alert = alertRuleOf(votes === undefined ? {} : { votesPartsPerMillion: votes });
  const { wanted, why } = wishOf(action, { nowMs: t0, from: 4, alert, marks });
  return wanted === 4 ? `${why?.code}` : wanted;
}

test("B2.1 the step is chosen by the size of the breach, exactly", () => {
  // [value, wanted from 4]: the sums of binary fractions would put some of these beside the bound.
  const rows: readonly (readonly [StepsAction, number, number | string])[] = [
    [above, 0.69, "NO_STEP"],
    [above, 0.7, 5],
    [above, 0.79999, 5],
    [above, 0.8, 6],
    [above, 0.89999, 6],
    [above, 0.9, 9],
    [above, 1e300, 9],
    [above, -5, "NO_STEP"],
    [below, 0.31, "NO_STEP"],
    [below, 0.3, 3],
    [below, 0.21, 3],
    [below, 0.2, 1],
    [below, 0, 1],
    [below, -1e300, 1],
  ];
  for (const [action, value, wanted] of rows)
    assert.equal(wants(action, [worth(value)]), wanted, `${action.threshold}: ${value}`);
});

test("B3.2 of several keys the value counts that as many reach as must vote", () => {
  const marks = [worth(0.95, "a"), worth(0.85, "b"), worth(0.71, "c")];
  assert.equal(wants(above, marks), 9, "any");
  assert.equal(wants(above, marks, 510_000), 6, "two of three");
  assert.equal(wants(above, marks, 1_000_000), 5, "all");
  const low = [worth(0.05, "a"), worth(0.25, "b")];
  assert.equal(wants(below, low), 1, "any");
  assert.equal(wants(below, low, 1_000_000), 3, "all");
});

test("B3.4 keys without a value, or silent, never make steps act", () => {
  assert.equal(wants(above, []), "VALUE_MISSING");
  assert.equal(wants(above, [worth(undefined)]), "VALUE_MISSING");
  assert.equal(wants(above, [worth(0.9, "a"), worth(undefined, "b")], 1_000_000), "VALUE_MISSING");
  assert.equal(wants(above, [markOf("unknown", { value: 0.9 })]), "VALUE_MISSING");
  const old = { ...worth(0.9), refreshedAtMs: t0 - 600_001 };
  assert.equal(wants(above, [old]), "VALUE_MISSING");
});

test("B2.1 gaps, overlaps and ends that are missing are refused, with field and rule", () => {
  const say = (...steps: readonly Omit<BreachStep, "action">[]) =>
    checkSteps(steps).map(({ field, rule }) => `${field} ${rule}`);
  assert.deepEqual(say(...above.steps), []);
  assert.deepEqual(say(...below.steps), []);
  assert.deepEqual(say({}), ["[0].lower must be given: only the outermost is open"]);
  assert.deepEqual(say({ lower: 0 }), []);
  assert.deepEqual(say({ upper: 0 }), []);
  assert.deepEqual(say({ lower: 0, upper: 1 }), [
    "[0].upper must be open: the last step has no end",
  ]);
  assert.deepEqual(say({ lower: 1, upper: 1 }), ["[0].upper must be above lower"]);
  assert.deepEqual(say({ lower: 1 }), [
    "[0].lower leaves a gap: must be 0, where the step before it ends",
  ]);
  assert.deepEqual(say({ lower: 0, upper: 1 }, { lower: 2 }), [
    "[1].lower leaves a gap: must be 1, where the step before it ends",
  ]);
  assert.deepEqual(say({ lower: 0, upper: 2 }, { lower: 1 }), [
    "[1].lower leaves an overlap: must be 2, where the step before it ends",
  ]);
  assert.deepEqual(say({ lower: 0 }, { lower: 1 }), ["[1].lower overlaps a step that is open"]);
  assert.deepEqual(say({ upper: 0, lower: -1 }, { upper: -2 }), [
    "[1].upper leaves a gap: must be -1, where the step before it ends",
  ]);
  assert.deepEqual(say({ lower: 0 }, { upper: 0 }).length, 1, "both sides at once");
});
