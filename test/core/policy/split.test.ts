import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ColoId } from "../../../src/core/model/ids.js";
import { type SplitPlacement, splitTarget } from "../../../src/core/policy/split.js";

/** [current, min, max, weight] */
type Row = readonly [current: number, min: number, max: number, weight: number];

const placementsOf = (rows: readonly Row[]): readonly SplitPlacement[] =>
  rows.map(([current, min, max, weight], index) => {
    return { colo: `colo-${index}` as ColoId, current, min, max, weight };
  });
const totals = (total: number, placements: readonly SplitPlacement[], beyondLimits = false) =>
  splitTarget({ total, placements, beyondLimits }).map(({ newTarget }) => newTarget);
const add = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

const free = (current: number, weight = 1): Row => [current, 0, 100, weight];

const splits: readonly [
  title: string,
  rows: readonly Row[],
  total: number,
  parts: readonly number[],
][] = [
  ["alone", [[4, 1, 10, 1]], 6, [6]],
  ["alone, above max", [[4, 1, 10, 1]], 60, [10]],
  ["alone, below min", [[4, 1, 10, 1]], 0, [1]],
  ["none at all", [], 5, []],
  ["evenly", [free(0), free(0)], 8, [4, 4]],
  ["a tie goes to the first", [free(0), free(0)], 7, [4, 3]],
  ["two ties", [free(0), free(0), free(0)], 5, [2, 2, 1]],
  ["by weight", [free(0, 3), free(0, 1)], 8, [6, 2]],
  ["largest remainder first", [free(0, 3), free(0, 1)], 7, [5, 2]],
  ["remainders 5.625, 1.875, 1.5", [free(0, 15), free(0, 5), free(0, 4)], 9, [6, 2, 1]],
  ["weights of 0.5 count", [free(0, 0.5), free(0, 1.5)], 8, [2, 6]],
  ["+2 goes where most is missing", [free(2), free(4)], 8, [4, 4]],
  ["+1 takes from none, however uneven", [free(9), free(1)], 11, [9, 2]],
  ["-2 comes from the fullest", [free(6), free(4)], 8, [4, 4]],
  ["-1 gives to none, however uneven", [free(1), free(9)], 9, [1, 8]],
  ["the same total moves nothing", [free(9), free(1)], 10, [9, 1]],
  ["a full one passes its share on", [[0, 0, 2, 1], free(0)], 8, [2, 6]],
  ["min comes before weight", [[0, 3, 9, 0], free(0)], 4, [3, 1]],
  ["two full ones", [[0, 0, 1, 5], [0, 0, 2, 5], free(0)], 9, [1, 2, 6]],
  [
    "weight 0 gets what none else can take",
    [
      [0, 0, 9, 0],
      [0, 0, 5, 1],
    ],
    7,
    [2, 5],
  ],
  ["all of weight 0 are alike", [free(0, 0), free(0, 0)], 6, [3, 3]],
  [
    "up to the sum of max",
    [
      [1, 0, 3, 1],
      [1, 0, 4, 9],
    ],
    50,
    [3, 4],
  ],
  [
    "down to the sum of min",
    [
      [3, 1, 3, 1],
      [4, 2, 4, 9],
    ],
    0,
    [1, 2],
  ],
  [
    "missing mins first",
    [
      [0, 3, 9, 1],
      [5, 0, 9, 9],
    ],
    7,
    [2, 5],
  ],
  [
    "excess of max first",
    [
      [9, 0, 5, 9],
      [5, 0, 9, 1],
    ],
    11,
    [6, 5],
  ],
  [
    "out leaves an excess alone",
    [
      [9, 0, 5, 1],
      [1, 0, 9, 1],
    ],
    12,
    [9, 3],
  ],
  [
    "the same total is moved into limits",
    [
      [9, 0, 5, 1],
      [1, 0, 9, 1],
    ],
    10,
    [5, 5],
  ],
  [
    "odd numbers are tidied",
    [
      [Number.NaN, -1, 9, Number.NaN],
      [1.5, 0, 9, -2],
    ],
    5,
    [3, 2],
  ],
];

test("B11.1 a total is split by weight, within limits, moving as few as possible", () => {
  for (const [title, rows, total, parts] of splits)
    assert.deepEqual(totals(total, placementsOf(rows)), parts, title);
});

test("B2.7 force uses up the group's limits before it goes beyond them", () => {
  const placements = placementsOf([
    [4, 2, 5, 1],
    [4, 2, 10, 1],
  ]);
  assert.deepEqual(totals(15, placements, true), [5, 10]);
  assert.deepEqual(totals(25, placements, true), [13, 12]);
  assert.deepEqual(totals(9_000, placements, true), [2_000, 2_000]);
  assert.deepEqual(totals(4, placements, true), [2, 2]);
  assert.deepEqual(totals(3, placements, true), [2, 1]);
  assert.deepEqual(totals(0, placements, true), [0, 0]);
});

const limited = fc
  .record({ a: fc.nat(40), b: fc.nat(40), c: fc.nat(40), weight: fc.oneof(fc.nat(9), fc.double()) })
  .map(({ a, b, c, weight }): Row => {
    const [min, current, max] = [a, b, c].sort((x, y) => x - y) as [number, number, number];
    return [current, min, max, weight];
  });
const within = fc.array(limited, { maxLength: 8 }).map(placementsOf);
const weighted = fc
  .array(fc.tuple(limited, fc.double({ min: 0.01, max: 100, noNaN: true })), { maxLength: 8 })
  .map((rows) => placementsOf(rows.map(([[current, min, max], w]) => [current, min, max, w])));
const anyNumber = fc.oneof(fc.nat(50), fc.nat(50), fc.integer(), fc.double());
const anywhere = fc
  .array(fc.tuple(anyNumber, anyNumber, anyNumber, anyNumber), { maxLength: 8 })
  .map(placementsOf);

test("B11.1 parts lie within limits and sum up to the clamped total, none moving backwards", () => {
  fc.assert(
    fc.property(within, fc.nat(400), (placements, total) => {
      const parts = totals(total, placements);
      const min = add(placements.map((placement) => placement.min));
      const max = add(placements.map((placement) => placement.max));
      assert.equal(add(parts), Math.max(min, Math.min(max, total)));
      const before = add(placements.map((placement) => placement.current));
      for (const [index, { current, min: low, max: high }] of placements.entries()) {
        assert.ok(parts[index]! >= low && parts[index]! <= high);
        if (add(parts) >= before) assert.ok(parts[index]! >= current);
        if (add(parts) <= before) assert.ok(parts[index]! <= current);
      }
      assert.deepEqual(totals(total, placements), parts);
    }),
  );
});

test("B11.1 whatever the numbers, no placement moves further out of its limits", () => {
  fc.assert(
    fc.property(anywhere, anyNumber, fc.boolean(), (placements, total, beyondLimits) => {
      const parts = splitTarget({ total, placements, beyondLimits });
      for (const [index, { oldTarget, newTarget }] of parts.entries()) {
        assert.ok(Number.isSafeInteger(newTarget) && newTarget >= 0);
        assert.ok(newTarget <= Math.max(oldTarget, 2_000));
        if (beyondLimits) continue;
        const min = Math.min(2_000, Math.max(0, Math.trunc(placements[index]!.min) || 0));
        const max = Math.max(min, Math.min(2_000, Math.trunc(placements[index]!.max) || 0));
        const outside = (target: number) => Math.max(0, min - target, target - max);
        assert.ok(outside(newTarget) <= outside(oldTarget), JSON.stringify(placements[index]));
      }
    }),
  );
});

test("B11.1 from nothing and without limits, it is the method of largest remainders", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, fc.nat(500), (all, total) => {
      const placements = placementsOf(all.map((weight) => [0, 0, 500, weight]));
      const sum = add(all);
      const floors = all.map((weight) => Math.floor((total * weight) / sum));
      const ranked = all
        .map((weight, index) => ({ index, rest: (total * weight) % sum }))
        .sort((a, b) => b.rest - a.rest || a.index - b.index);
      for (const { index } of ranked.slice(0, total - add(floors))) floors[index]! += 1;
      assert.deepEqual(totals(total, placements), floors);
    }),
  );
});

test("B11.1 each part is the whole number beside its exact share between its bounds", () => {
  fc.assert(
    fc.property(weighted, fc.nat(400), (placements, asked) => {
      const parts = totals(asked, placements);
      const total = add(parts);
      const rising = total >= add(placements.map(({ current }) => current));
      const bounds = placements.map(({ current, min, max }) =>
        rising ? ([current, max] as const) : ([min, current] as const),
      );
      // The exact shares: one level for all, by weight, cut at the bounds. Found by halving.
      const at = (level: number) =>
        placements.map(({ weight }, index) => {
          return Math.max(bounds[index]![0], Math.min(bounds[index]![1], level * weight));
        });
      let [low, high] = [0, 1e6];
      for (let round = 0; round < 100; round++) {
        const middle = (low + high) / 2;
        if (add(at(middle)) < total) low = middle;
        else high = middle;
      }
      for (const [index, exact] of at(high).entries())
        assert.ok(Math.abs(parts[index]! - exact) < 1 + 1e-6, `${parts} for ${at(high)}`);
    }),
  );
});
