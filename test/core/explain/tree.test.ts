import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { figuresOf, summarise } from "../../../src/core/explain/summary.js";
import { treeOf } from "../../../src/core/explain/tree.js";
import { heldWaits, waitsOf } from "../../../src/core/explain/waits.js";
import { cause } from "../../../src/core/model/cause.js";
import type { EventType, MusterEvent } from "../../../src/core/model/event.js";
import type { Condition, PlacementDoc } from "../../../src/core/model/placement.js";
import type { Outcome, Receipt } from "../../../src/core/model/scale-event.js";

type Made = Partial<Omit<MusterEvent, "id" | "parent" | "server">> & {
  readonly server?: string;
};

function eventOf(id: string, parent: string | undefined, made: Made = {}): MusterEvent {
  const { type = "server.gone" as EventType, atMs = 0, ...rest } = made;
  return {
    ...{ account: "acme", group: "web", colo: "iad", message: type, facts: {}, sequence: 1 },
    ...{ id, type, atMs, ...(parent === undefined ? {} : { parent }) },
    ...rest,
  } as MusterEvent;
}

function receiptOf(outcome: Outcome, change: Partial<Receipt> = {}): Receipt {
  const causes = [cause("B2.2", "APPLIED", { oldTarget: 2, newTarget: 4, asked: "+2" })];
  const base = { eventId: "a", atMs: 0, oldTarget: 2, newTarget: 4, placements: [], causes };
  return { ...base, outcome, ...change } as Receipt;
}

const shape = (nodes: ReturnType<typeof treeOf>) =>
  nodes.map(({ event, depth }) => `${"-".repeat(depth)}${event.id}`);

test("B4.9 a tree is depth first, its siblings in order of time, whatever order events come in", () => {
  const events = [
    eventOf("e", "b", { atMs: 50 }),
    eventOf("c", "a", { atMs: 20 }),
    eventOf("stray", "elsewhere"),
    eventOf("d", "b", { atMs: 40 }),
    eventOf("b", "a", { atMs: 30 }),
    eventOf("c", "a", { atMs: 20 }),
  ];
  assert.deepEqual(shape(treeOf(eventOf("a", "older"), events)), ["a", "-c", "-b", "--d", "--e"]);
});

test("B4.9 every event hangs in its tree once, below its parent, in order, circles or not", () => {
  const link = fc.record({ parent: fc.nat(40), atMs: fc.nat(5), sequence: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(link, { maxLength: 40 }), (links) => {
      // Parents may be later ones too, so that there are circles.
      const events = links.map(({ parent, ...made }, index) =>
        eventOf(`e${index + 1}`, `e${parent}`, made),
      );
      const root = eventOf("e0", undefined);
      const nodes = treeOf(root, [...events, ...events]);
      const ids = nodes.map(({ event }) => event.id);
      assert.equal(new Set(ids).size, ids.length, "once");
      const path: MusterEvent[] = [];
      for (const { event, depth } of nodes) {
        assert.ok(depth <= path.length);
        path.length = depth;
        if (depth > 0) assert.equal(path.at(-1)!.id, event.parent);
        path.push(event);
      }
      const byId = new Map([root, ...events].map((one) => [one.id as string, one]));
      const reaches = (one: MusterEvent) => {
        let at: MusterEvent | undefined = one;
        for (let up = 0; up <= 41 && at && at.id !== root.id; up++) at = byId.get(at.parent ?? "");
        return at?.id === root.id;
      };
      assert.equal(ids.length - 1, events.filter(reaches).length, "all of them");
      for (const parent of nodes) {
        const children = nodes.filter(({ event }) => event.parent === parent.event.id);
        const times = children.filter(({ depth }) => depth > 0).map(({ event }) => event.atMs);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
          "in order of time",
        );
      }
    }),
  );
});

test("B4.9 a chain of any length is no matter of the call stack", () => {
  const chain = Array.from({ length: 5_000 }, (_, n) => eventOf(`e${n + 1}`, `e${n}`));
  assert.equal(treeOf(eventOf("e0", undefined), chain).at(-1)?.depth, 5_000);
});

test("B2.9 the summary tells what was asked, by whom, what became of it, and when", () => {
  const root = eventOf("a", undefined, {
    type: "scale.decided",
    message: "A change of +2 was asked for: applied, target 2 → 4 (as asked)",
    principal: "ann",
    receipt: receiptOf("applied"),
    facts: { outcome: "applied" },
  });
  const life = (server: string, servedMs: number) => [
    eventOf(`i${server}`, "a", { type: "server.intended", server, atMs: 10 }),
    eventOf(`s${server}`, "a", { type: "server.in_service", server, atMs: servedMs }),
  ];
  const nodes = treeOf(root, [...life("1", 1_200), ...life("2", 3_400)]);
  const figures = figuresOf(nodes);
  assert.deepEqual(figures, {
    ...{ wanted: 2, inService: 2, failed: 0, lost: 0, left: 0, gone: 0 },
    ...{ firstInServiceAfterMs: 1_200, lastInServiceAfterMs: 3_400 },
  });
  const told = { nodes, figures, waits: [], settled: true, nowMs: 9_000 };
  assert.deepEqual(summarise(told), [
    "A change of +2 was asked for, by ann, at 1970-01-01T00:00:00.000Z.",
    "Applied: the target goes from 2 to 4.",
    "B2.2 APPLIED: The target changes from 2 to 4, as asked: +2.",
    "2 servers were asked for, 2 came into service: the first after 1.2 s, the last after 3.4 s.",
    "All of it is done, after 3.4 s.",
  ]);
  const later = summarise({ ...told, settled: false, supersededBy: "z" });
  assert.match(later.at(-1)!, /later event has moved the target since: z/);
});

test("B4.11 what waits is told once, with its rule, since when and until when", () => {
  const braked = cause("B9.1", "BRAKED", { operation: "create", reason: "ill" });
  const backoff = cause("B4.6", "BACKOFF", { failures: 2, retryAtMs: 90_000 });
  const condition = (type: Condition["type"], holds: boolean, causes: Condition["causes"]) => ({
    ...{ type, holds, causes, sinceMs: 10_000 },
  });
  const doc = { key: { colo: "iad" }, conditions: [] } as unknown as PlacementDoc;
  const short = condition("converged", false, [cause("B4.9", "SHORTAGE", { target: 2, have: 1 })]);
  assert.deepEqual(
    waitsOf({ ...doc, conditions: [short] }, 20_000).map(({ cause: { code } }) => code),
    ["SHORTAGE"],
  );
  const waits = waitsOf(
    {
      ...doc,
      conditions: [
        short,
        condition("braked", true, [braked]),
        condition("degraded", true, [backoff]),
        condition("waiting", true, [braked, backoff]),
      ],
    },
    20_000,
  );
  assert.deepEqual(
    waits.map(({ condition: type, cause: { code }, untilMs }) => [type, code, untilMs]),
    [
      ["braked", "BRAKED", undefined],
      ["degraded", "BACKOFF", 90_000],
    ],
  );
  const nodes = treeOf(eventOf("a", undefined), []);
  const told = { nodes, figures: figuresOf(nodes), waits, settled: false, nowMs: 20_000 };
  const [brakeLine, backoffLine] = summarise(told).slice(-2);
  assert.match(brakeLine!, /^Waiting in iad: B9\.1 BRAKED: .*ill.* \(since 10 s\)\.$/);
  assert.match(backoffLine!, /B4\.6 BACKOFF.*\(since 10 s, until 1970-01-01T00:01:30\.000Z\)\.$/);
});

test("B2.6 a held event waits until it may act, and no longer than until it has", () => {
  const causes = [cause("B3.2", "HOLDING", { holdMs: 60_000 })];
  const receipt = receiptOf("held", { causes, retryAtMs: 60_000 });
  const held = eventOf("a", undefined, { type: "scale.decided", receipt });
  const waiting = heldWaits(treeOf(held, []), 1_000);
  assert.deepEqual(
    waiting.map((one) => [one.cause.code, one.untilMs]),
    [["HOLDING", 60_000]],
  );
  assert.deepEqual(heldWaits(treeOf(held, []), 60_000), []);
  const acted = eventOf("b", "a", { type: "scale.decided", receipt: receiptOf("applied") });
  assert.deepEqual(heldWaits(treeOf(held, [acted]), 1_000), []);
});
