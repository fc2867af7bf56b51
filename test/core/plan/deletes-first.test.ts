import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cause } from "../../../src/core/model/cause.js";
import { askedKey } from "../../../src/core/model/observation.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  t0,
  waitsOf,
} from "./fixtures.js";

const max = 4;
const boundMs = 30_000;
const leaving = (id: string, change: Partial<ServerRow> = {}) =>
  rowOf(id, "deleting", { deletingSinceMs: t0, ...change });
/** Two serve, two leave. */
const rows = [rowOf("1", "inService"), rowOf("2", "inService"), leaving("3"), leaving("4")];
const asked = (...ids: readonly string[]) =>
  new Map(ids.map((id) => [askedKey(id as never), "running" as const]));

type Change = NonNullable<Parameters<typeof seenOf>[1]>;

function plan(change: Change = {}, given: readonly ServerRow[] = rows) {
  const { doc, ...rest } = change;
  const seen = seenOf(given, { target: max, doc: { max, ...doc }, ...rest });
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  return made;
}

describe("B9.3 with what leaves there are never more than max", () => {
  test("creates wait for the cloud to be asked to delete, and say so", () => {
    const made = plan();
    assert.equal(made.creates, 0);
    assert.equal(made.steps.filter(({ kind }) => kind === "delete").length, 2);
    const facts = { waiting: 2, leaving: 2, max, untilMs: t0 + boundMs };
    assert.deepEqual(conditionOf(made, "waiting")?.causes, [cause("B9.3", "DELETES_FIRST", facts)]);
  });

  test("what was asked to go is waited for no more, whoever knows it", () => {
    assert.equal(plan({ underWay: asked("3") }).creates, 1);
    assert.equal(plan({ underWay: asked("3", "4") }).creates, 2);
    const listed = [
      serverOf("1"),
      serverOf("2"),
      serverOf("3", { taskState: "deleting" }),
      serverOf("4", { status: "SOFT_DELETED" }),
    ];
    assert.equal(plan({ listed }).creates, 2, "another node asked");
  });

  test("below max nothing waits", () => {
    assert.equal(plan({ doc: { max: 5 } }).creates, 1);
    assert.deepEqual(waitsOf(plan({ doc: { max: 6 } })), []);
    assert.equal(plan({ doc: { max: 6 } }).creates, 2);
    assert.equal(plan({ target: 6 }).creates, 2, "nor below a target that was forced beyond it");
    assert.equal(plan({ target: 1 }).creates, 0);
  });

  test("one that drains counts apart until its drain ends, and what was never bound is not there", () => {
    const member = membershipOf("3", { state: "draining" });
    const draining = rowOf("3", "draining", {
      ...{ drainingSinceMs: t0, leaving: cause("B8.1", "REQUESTED") },
      memberships: [member],
    });
    const serving = ["1", "2"].map((id) => {
      return rowOf(id, "inService", { memberships: [membershipOf(id)] });
    });
    const given = [...serving, draining, rowOf("4", "abandoned")];
    const members = [memberOf("1"), memberOf("2"), memberOf("3", { draining: true })];
    assert.equal(plan(attached(members), given).creates, 2);
    const drained = plan(attached("gone"), given);
    assert.deepEqual(
      [drained.creates, waitsOf(drained)],
      [1, ["LOAD_BALANCER_GONE", "DELETES_FIRST"]],
    );
  });

  test("B4.11 nobody is waited for longer than half a minute", () => {
    const late = { nowMs: t0 + boundMs - 1 };
    const waits = plan(late);
    assert.deepEqual([waits.creates, waits.wakeAtMs], [0, t0 + boundMs]);
    assert.equal(plan({ nowMs: t0 + boundMs }).creates, 2);
    const old = [...rows.slice(0, 3), leaving("4", { deletingSinceMs: t0 - boundMs })];
    assert.equal(plan({}, old).creates, 1);
    assert.equal(plan({ sinceMs: t0 }, old).creates, 0, "who takes over asks anew");
    assert.equal(plan({ sinceMs: t0, nowMs: t0 + boundMs }, old).creates, 2);
    const ahead = [...rows.slice(0, 3), leaving("4", { deletingSinceMs: t0 + 3_600_000 })];
    assert.equal(plan({ sinceMs: t0 - boundMs }, ahead).creates, 1, "a clock that went back");
  });

  test("what a person stops is waited for by nobody", () => {
    const brake = cause("B9.1", "BRAKED", { operation: "delete" });
    assert.equal(plan({ stopped: new Map([["delete", brake]]) }).creates, 2);
    const pause = { sinceMs: t0, reason: "audit", principal: "ann", order: "1" };
    assert.equal(plan({ doc: { pausedProcesses: { scaleIn: pause } } }).creates, 2);
    const quarantine = { sinceMs: t0, reason: "restored" };
    assert.equal(plan({ doc: { quarantine } }).creates, 2);
  });

  test("a server that is replaced for its fault is asked to go before its successor is made", () => {
    const serving = ["1", "2", "3", "4"].map((id) => rowOf(id, "inService"));
    const ill = serverOf("4", { status: "ERROR" });
    const listed = [serverOf("1"), serverOf("2"), serverOf("3"), ill];
    const first = plan({ listed, lookedUp: [[ill.id, ill]] }, serving);
    assert.deepEqual([first.creates, first.rows.map(({ state }) => state)], [0, ["deleting"]]);
    const gone = [...serving.slice(0, 3), leaving("4")];
    assert.equal(plan({ listed, underWay: asked("4") }, gone).creates, 1);
  });

  test("whatever leaves, since when, and whoever was asked", () => {
    let held = 0;
    const leaver = fc.record({
      goneForMs: fc.constantFrom(0, boundMs - 1, boundMs, 3_600_000),
      isAsked: fc.boolean(),
    });
    const one = fc.record({
      serving: fc.nat(5),
      leavers: fc.array(leaver, { maxLength: 5 }),
      missing: fc.integer({ min: 1, max: 5 }),
      above: fc.nat(3),
      knownForMs: fc.constantFrom(boundMs - 1, boundMs),
    });
    fc.assert(
      fc.property(one, ({ serving, leavers, missing, above, knownForMs }) => {
        const serve = Array.from({ length: serving }, (_, at) => rowOf(`1${at}`, "inService"));
        const leave = leavers.map(({ goneForMs }, at) =>
          leaving(`2${at}`, { deletingSinceMs: t0 - goneForMs }),
        );
        const target = serving + missing;
        const underWay = asked(...leavers.flatMap((one, at) => (one.isAsked ? [`2${at}`] : [])));
        const most = target + above;
        const sinceMs = t0 - knownForMs;
        const made = plan({ target, doc: { max: most }, underWay, sinceMs }, [...serve, ...leave]);
        const there = leavers.filter(({ goneForMs, isAsked }) => {
          return !isAsked && Math.min(goneForMs, knownForMs) < boundMs;
        });
        assert.equal(made.creates, Math.max(0, Math.min(missing, most - serving - there.length)));
        if (made.creates < missing) held++;
      }),
      { numRuns: 500 },
    );
    assert.ok(held > 50, `only ${held} waited`);
  });
});
