import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  effectiveLimits,
  forcedLimitsOf,
  type LimitsInput,
  settleLimits,
} from "../../../src/core/policy/limits.js";

const nowMs = 1_000;
const reason = "launch day";
const live = { expiresAtMs: nowMs + 1, reason };
const over = { expiresAtMs: nowMs, reason };
const base: LimitsInput = { min: 2, max: 10, target: 5, deleting: false };

const effects: readonly [forced: LimitsInput["forced"], min: number, max: number][] = [
  [undefined, 2, 10],
  [{ ...live, max: 15 }, 2, 15],
  [{ ...live, min: 0 }, 0, 10],
  [{ ...live, min: 0, max: 15 }, 0, 15],
  [{ ...live, max: 7 }, 2, 10],
  [{ ...live, min: 4 }, 2, 10],
  [{ ...live, max: 9_000 }, 2, 2_000],
  [{ ...over, max: 15 }, 2, 10],
  [{ ...over, min: 0 }, 2, 10],
];

test("B2.7 force widens limits until it expires, never beyond the hard limit", () => {
  for (const [forced, min, max] of effects) {
    const placement = { ...base, ...(forced === undefined ? {} : { forced }) };
    assert.deepEqual(effectiveLimits(placement, nowMs), { min, max }, JSON.stringify(forced));
  }
});

const settlings: readonly [
  title: string,
  change: Partial<LimitsInput>,
  target: number,
  rule: string,
][] = [
  ["nothing else moves it", {}, 5, ""],
  ["min raised below the target", { min: 4 }, 5, ""],
  ["min raised to the target", { min: 5 }, 5, ""],
  ["min raised above the target", { min: 6 }, 6, "B1.6"],
  ["max lowered to the target", { max: 5 }, 5, ""],
  ["max lowered below the target", { max: 4 }, 4, "B1.6"],
  ["min is max", { min: 7, max: 7 }, 7, "B1.6"],
  ["max raised", { max: 50 }, 5, ""],
  ["both down to nothing", { min: 0, max: 0 }, 0, "B1.6"],
  ["forced ceiling holds", { target: 15, forced: { ...live, max: 15 } }, 15, ""],
  ["forced ceiling expired", { target: 15, forced: { ...over, max: 15 } }, 10, "B2.7"],
  ["forced floor holds", { target: 0, forced: { ...live, min: 0 } }, 0, ""],
  ["forced floor expired", { target: 0, forced: { ...over, min: 0 } }, 2, "B2.7"],
  ["edit under a forced ceiling", { max: 8, target: 15, forced: { ...live, max: 15 } }, 15, ""],
  ["a draining placement is left to it", { target: 0, deleting: true }, 0, ""],
];

test("B1.6 an edit of limits moves the target only as far as it must", () => {
  for (const [title, change, target, rule] of settlings) {
    const placement = { ...base, ...change };
    const settled = settleLimits(placement, nowMs);
    assert.equal(settled.target, target, title);
    assert.equal(settled.causes.map((why) => why.rule).join(), rule, title);
    assert.equal(settled.forced?.expiresAtMs, settled.nextAtMs, title);
    if (change.forced !== undefined)
      assert.equal(settled.forced !== undefined, change.forced.expiresAtMs > nowMs, title);
  }
});

test("B2.7 force leaves limits only where the target passes the placement's own", () => {
  const force = { reason, expiresAtMs: 9 };
  assert.deepEqual(forcedLimitsOf({ min: 2, max: 5, target: 6 }, force), { ...force, max: 6 });
  assert.deepEqual(forcedLimitsOf({ min: 2, max: 5, target: 1 }, force), { ...force, min: 1 });
  assert.equal(forcedLimitsOf({ min: 2, max: 5, target: 5 }, force), undefined);
  assert.equal(forcedLimitsOf({ min: 2, max: 5, target: 2 }, force), undefined);
});

test("B1.6 settling limits twice is settling them once", () => {
  const number = fc.oneof(fc.nat(30), fc.integer(), fc.double());
  const forced = fc.record(
    { min: number, max: number, expiresAtMs: number, reason: fc.string() },
    { requiredKeys: ["expiresAtMs", "reason"] },
  );
  const placement = fc.record(
    { min: number, max: number, target: number, deleting: fc.boolean(), forced },
    { requiredKeys: ["min", "max", "target", "deleting"] },
  );
  fc.assert(
    fc.property(placement, number, (given, atMs) => {
      const { forced: _, ...bare } = given;
      const once = settleLimits(given, atMs);
      const kept = once.forced === undefined ? {} : { forced: once.forced };
      const twice = settleLimits({ ...bare, target: once.target, ...kept }, atMs);
      assert.equal(twice.target, once.target);
      assert.deepEqual(twice.causes, []);
      if (given.deleting) return;
      const { min, max } = effectiveLimits(given, atMs);
      assert.ok(once.target >= min && once.target <= max);
    }),
  );
});
