import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { pausableProcesses } from "../../src/core/model/pausable.js";
import { overtaken, type PauseOrder } from "../../src/core/model/pause.js";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import { obeyOrder } from "../../src/supervisor/placements/pause-order.js";
import type { PlacementState } from "../../src/supervisor/placements/placement-state.js";
import { docOf } from "../core/plan/fixtures.js";

const events = { make: () => ({ id: "e" }) } as unknown as Parameters<
  typeof obeyOrder
>[0]["events"];

function hear(doc: PlacementDoc, order: PauseOrder): PlacementDoc {
  const change = obeyOrder({ events }, { doc } as PlacementState, order);
  return change.doc === undefined || change.doc === "remove" ? doc : change.doc;
}

/** What is paused, and the words that stand; who paused first keeps the mark. */
function stands({ paused, pausedProcesses = {} }: PlacementDoc): unknown {
  return [
    paused !== undefined,
    ...pausableProcesses.map((one) => pausedProcesses[one] !== undefined),
  ];
}

const orders = fc
  .array(
    fc.record({
      isPause: fc.boolean(),
      processes: fc.option(fc.subarray([...pausableProcesses], { minLength: 1 })),
    }),
    { maxLength: 8 },
  )
  .map((words) =>
    words.map(
      ({ isPause, processes }, index): PauseOrder => ({
        ...{ id: `o${index}`, atMs: index, principal: "ann" },
        ...(isPause ? { pause: { reason: `r${index}` } } : {}),
        ...(processes ? { processes } : {}),
      }),
    ),
  );

test("B8.1 B11.3 in whatever sequence and however often words arrive, the newest on each stands", () => {
  fc.assert(
    fc.property(
      orders.chain((told) =>
        fc.tuple(
          fc.constant(told),
          fc.shuffledSubarray([...told, ...told], { minLength: told.length * 2 }),
        ),
      ),
      ([told, heard]) => {
        assert.deepEqual(stands(heard.reduce(hear, docOf())), stands(told.reduce(hear, docOf())));
      },
    ),
  );
});

test("B11.3 of words that a colo has yet to hear none is dropped that says something of its own", () => {
  fc.assert(
    fc.property(orders, (told) => {
      let kept: readonly PauseOrder[] = [];
      for (const order of told) {
        const now = [...kept, order];
        const over = overtaken(now);
        kept = now.filter((one) => !over.includes(one));
      }
      assert.deepEqual(stands(kept.reduce(hear, docOf())), stands(told.reduce(hear, docOf())));
      assert.ok(kept.length <= pausableProcesses.length + 1, "so few are ever kept");
    }),
  );
});

test("B8.3 rows of older versions are heard: a word without processes is about all", () => {
  const before = docOf({ pauseOrder: "o1", paused: { sinceMs: 1, reason: "r", principal: "ann" } });
  const order: PauseOrder = { id: "o2", atMs: 2, principal: "ann" };
  assert.deepEqual(stands(hear(before, order)), [false, false, false, false, false, false]);
  assert.equal(hear(before, { ...order, id: "o0" }).paused?.reason, "r", "an older word");
});
