import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FixedAction } from "../../../src/core/model/policy.js";
import {
  applyAction,
  clampTarget,
  percentToPartsPerMillion,
} from "../../../src/core/policy/arithmetic.js";

const percent = (value: number): FixedAction => ({
  kind: "percent",
  partsPerMillion: percentToPartsPerMillion(value)!,
});
const change = (value: number): FixedAction => ({ kind: "change", change: value });
const exact = (capacity: number): FixedAction => ({ kind: "exact", capacity });

const results: readonly [action: FixedAction, base: number, result: number][] = [
  [percent(50), 5, 8],
  [percent(5), 5, 6],
  [percent(-50), 5, 2],
  [percent(-5), 5, 4],
  [percent(-75), 5, 1],
  [percent(0.1), 1_000, 1_001],
  [percent(-0.1), 1_000, 999],
  [percent(0.1), 1_001, 1_003],
  [percent(0.0001), 1_000_000, 1_000_001],
  [percent(0.0001), 1, 2],
  [percent(0.07), 10_000, 10_007],
  [percent(33.3333), 3, 4],
  [percent(100), 7, 14],
  [percent(100.0001), 7, 15],
  [percent(1_000), 200, 2_200],
  [percent(-100), 7, 0],
  [percent(-250), 7, 0],
  [percent(50), 0, 0],
  [percent(-50), 0, 0],
  [percent(-50), 1, 0],
  [percent(29), 100, 129],
  [percent(57), 100, 157],
  [percent(1.1), 1_000, 1_011],
  [change(1), 4, 5],
  [change(-1), 4, 3],
  [change(-9), 4, 0],
  [change(0), 4, 4],
  [change(3_000), 4, 3_004],
  [change(1.9), 4, 5],
  [change(-1.9), 4, 3],
  [change(Number.NaN), 4, 4],
  [exact(Number.NaN), 4, 4],
  [change(1), Number.NaN, 1],
  [change(1), -3, 1],
  [exact(0), 4, 0],
  [exact(9), 4, 9],
  [exact(-1), 4, 0],
  [exact(Number.POSITIVE_INFINITY), 4, Number.MAX_SAFE_INTEGER],
];

test("B2.3 actions are exact, and round away from zero", () => {
  for (const [action, base, result] of results)
    assert.equal(applyAction(action, base), result, `${JSON.stringify(action)} on ${base}`);
});

test("B2.3 percentages equal those of unbounded integers", () => {
  const parts = fc.integer({ min: -4_000_000_000, max: 4_000_000_000 });
  fc.assert(
    fc.property(parts, fc.nat(200_000), (partsPerMillion, base) => {
      const product = BigInt(base) * BigInt(partsPerMillion);
      const towardsZero = product / 1_000_000n;
      const rest = product % 1_000_000n;
      const away = towardsZero + (rest > 0n ? 1n : rest < 0n ? -1n : 0n);
      const expected = Math.max(0, base + Number(away));
      assert.equal(applyAction({ kind: "percent", partsPerMillion }, base), expected);
    }),
  );
});

const parts: readonly [percent: number, parts: number | undefined][] = [
  [50, 500_000],
  [-50, -500_000],
  [0.1, 1_000],
  [0.07, 700],
  [12.3456, 123_456],
  [0.0001, 1],
  [0, 0],
  [-0, 0],
  [0.00001, undefined],
  [12.34567, undefined],
  [1 / 3, undefined],
  [Number.NaN, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [1e300, undefined],
];

test("B2.3 percentages of at most 4 decimals are stored whole", () => {
  for (const [value, expected] of parts)
    assert.equal(percentToPartsPerMillion(value), expected, `${value} %`);
});

test("B2.3 every percentage of 4 decimals is taken as it is written", () => {
  fc.assert(
    fc.property(fc.integer({ min: -99_999_999, max: 99_999_999 }), (whole) => {
      const text = `${whole < 0 ? "-" : ""}${Math.floor(Math.abs(whole) / 10_000)}.${String(
        Math.abs(whole) % 10_000,
      ).padStart(4, "0")}`;
      assert.equal(percentToPartsPerMillion(Number(text)), whole);
    }),
  );
});

const clamps: readonly [from: number, wanted: number, target: number, code: string][] = [
  [4, 6, 6, ""],
  [4, 10, 10, ""],
  [4, 12, 10, "CLAMPED_TO_MAX"],
  [10, 12, 10, "CLAMPED_TO_MAX"],
  [12, 13, 12, "CLAMPED_TO_MAX"],
  [12, 11, 10, "CLAMPED_TO_MAX"],
  [12, 5, 5, ""],
  [4, 1, 2, "CLAMPED_TO_MIN"],
  [2, 1, 2, "CLAMPED_TO_MIN"],
  [1, 0, 1, "CLAMPED_TO_MIN"],
  [0, 1, 2, "CLAMPED_TO_MIN"],
  [12, 12, 12, ""],
  [0, 0, 0, ""],
];

test("B2.4 B2.7 targets are clamped into 2 to 10, and no direction is reversed", () => {
  for (const [from, wanted, target, code] of clamps) {
    const clamped = clampTarget({ from, wanted, min: 2, max: 10 });
    assert.equal(clamped.target, target, `${from} to ${wanted}`);
    assert.equal(clamped.causes.map((why) => why.code).join(), code, `${from} to ${wanted}`);
  }
});
