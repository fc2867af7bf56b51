import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Group } from "../../../src/core/model/group.js";
import type { ColoId } from "../../../src/core/model/ids.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import { donorsFor, keepsFrom, loweredBy } from "../../../src/core/policy/limit-moves.js";

const colos = ["iad", "dfw", "ams"] as ColoId[];

type Seen = Pick<PlacementDoc, "groupGeneration" | "max">;

/** A group's generations, one for each list of maxes. */
function generationsOf(maxes: readonly (readonly number[])[]): readonly Group[] {
  const groups: Group[] = [];
  for (const [index, row] of maxes.entries()) {
    const before = groups.at(-1);
    const placements = colos.map((colo, at) => ({ colo, max: row[at]! }));
    const generation = index + 1;
    const maxLowered = before ? loweredBy(before, placements as never, generation) : {};
    groups.push({ placements, generation, maxLowered } as unknown as Group);
  }
  return groups;
}

const sumOf = (maxes: readonly number[]) => maxes.reduce((sum, one) => sum + one, 0);

/** Which placement looks, at which generation, and how old what it sees of the others is. */
const looks = fc.array(
  fc.record({
    at: fc.nat(2),
    generation: fc.nat(5),
    age: fc.nat(3),
  }),
  { minLength: 1, maxLength: 60 },
);
const maxes = fc.array(fc.array(fc.nat(10), { minLength: 3, maxLength: 3 }), {
  minLength: 2,
  maxLength: 6,
});

/** One raises its max by an edit whose giver has gone on to the next, and raised its own again. */
const outrun = [
  [0, 8, 0],
  [3, 0, 0],
  [0, 6, 0],
];
const outrunLooks = [
  { at: 1, generation: 2, age: 0 },
  { at: 0, generation: 1, age: 0 },
];

test("B11.4 whatever edits each placement skips, together they have no more than one edit gave", () => {
  fc.assert(
    fc.property(maxes, looks, (rows, steps) => {
      const groups = generationsOf(rows);
      const most = Math.max(...rows.map(sumOf));
      const pasts: Seen[][] = colos.map((_, at) => [{ groupGeneration: 1, max: rows[0]![at]! }]);
      for (const { at, generation, age } of steps) {
        const group = groups[generation % groups.length]!;
        const past = pasts[at]!;
        const now = past.at(-1)!;
        if (now.groupGeneration > group.generation) continue;
        const waits = donorsFor(group, colos[at]!).some((colo) => {
          const seen = pasts[colos.indexOf(colo)]!;
          return keepsFrom(group, colo, seen.at(Math.max(-seen.length, -1 - age)) as PlacementDoc);
        });
        const wanted = group.placements[at]!.max;
        const max = waits ? Math.min(wanted, now.max) : wanted;
        past.push({ groupGeneration: group.generation, max });
        const total = sumOf(pasts.map((one) => one.at(-1)!.max));
        assert.ok(total <= most, `${total} in all, and no edit gave more than ${most}`);
      }
    }),
    { numRuns: 2_000, examples: [[outrun, outrunLooks]] },
  );
});

test("B11.4 who has taken the newest edit keeps nobody waiting for it", () => {
  fc.assert(
    fc.property(maxes, (rows) => {
      const groups = generationsOf(rows);
      const group = groups.at(-1)!;
      for (const [at, colo] of colos.entries()) {
        const max = rows.at(-1)![at]!;
        const doc = { groupGeneration: group.generation, max } as PlacementDoc;
        assert.equal(keepsFrom(group, colo, doc), false);
      }
    }),
  );
});

test("B11.4 a group whose max was never lowered reads nothing of the others", () => {
  const [, group] = generationsOf([
    [2, 2, 2],
    [5, 2, 9],
  ]);
  assert.deepEqual(donorsFor(group!, colos[0]!), []);
});
