import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cause } from "../../../src/core/model/cause.js";
import type { PausableProcess } from "../../../src/core/model/pausable.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { Plan } from "../../../src/core/model/plan.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { isCounted } from "../../../src/core/plan/lifecycle.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  groupOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  statesOf,
  t0,
  waitsOf,
} from "./fixtures.js";

/** What is paused alone waits, is told, and keeps nothing else from being done (B8.1, B8.3). */

type Given = NonNullable<Parameters<typeof seenOf>[1]>;
const mark = { sinceMs: t0 - 60_000, reason: "look", principal: "ann" };
const paused = (...names: readonly PausableProcess[]): Partial<PlacementDoc> => ({
  pausedProcesses: Object.fromEntries(names.map((one) => [one, mark])),
});
const plan = (rows: readonly ServerRow[], given: Given = {}): Plan => {
  const seen = seenOf(rows, given);
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  return made;
};
const serving = (...ids: readonly string[]) => ids.map((id) => rowOf(id, "inService"));
/** Two in service, and one that the cloud has no more. */
const oneLost = (doc: Partial<PlacementDoc>, target = 3): Given => ({
  ...{ target, doc },
  listed: [serverOf("1"), serverOf("2")],
  lookedUp: [["cloud-3", "gone"]],
});
const three = serving("1", "2", "3");
const waitingIn = (made: Plan) =>
  conditionOf(made, "paused")?.causes.map(({ facts }) => [facts["process"], facts["waiting"]]);

describe("B8.1 scaling out is paused", () => {
  test("more are asked for and none is made; the condition says how many wait", () => {
    const made = plan(serving("1"), { target: 4, doc: paused("scaleOut") });
    assert.equal(made.creates, 0);
    assert.deepEqual(waitingIn(made), [["scaleOut", 3]]);
    assert.deepEqual(conditionOf(made, "paused")?.causes[0]?.facts, {
      ...{ process: "scaleOut", reason: "look", principal: "ann" },
      ...{ sinceAtMs: mark.sinceMs, waiting: 3 },
    });
    assert.equal(conditionOf(made, "converged")?.holds, false);
  });

  test("a lost server is replaced all the same, and no more than that", () => {
    const made = plan(three, oneLost(paused("scaleOut"), 5));
    assert.deepEqual([made.creates, made.replaces], [1, 1]);
    assert.equal(made.doc.vacant, undefined);
  });

  test("surplus goes, and what drains is not taken back for a higher target", () => {
    assert.deepEqual(statesOf(plan(serving("1"), { target: 0, doc: paused("scaleOut") })), [
      "1:deleting",
    ]);
    const drains = rowOf("2", "draining", { memberships: [membershipOf("2")] });
    const rows = [...serving("1"), drains];
    assert.ok(statesOf(plan(rows, { target: 2 })).includes("2:inService"));
    const kept = plan(rows, { target: 2, doc: paused("scaleOut") });
    assert.ok(!statesOf(kept).includes("2:inService"));
  });

  test("a build that is late could not be asked for anew, and is not given up", () => {
    const row = rowOf("1", "building", { cloudStatus: "BUILD" });
    const given = { listed: [serverOf("1", { status: "BUILD" })], target: 1 };
    assert.deepEqual(statesOf(plan([row], given)), ["1:deleting"]);
    assert.deepEqual(statesOf(plan([row], { ...given, doc: paused("scaleOut") })), []);
    assert.deepEqual(statesOf(plan([row], { ...given, doc: paused("replacement") })), [
      "1:deleting",
    ]);
    const heir: ServerRow = { ...row, replaces: true };
    assert.deepEqual(statesOf(plan([heir], { ...given, doc: paused("replacement") })), []);
  });
});

describe("B8.1 replacement is paused", () => {
  test("a lost server is told as the shortage it is, and its place stays vacant", () => {
    const made = plan(three, oneLost(paused("replacement")));
    assert.deepEqual([made.creates, statesOf(made), made.doc.vacant], [0, ["3:deleting"], 1]);
    assert.deepEqual(waitingIn(made), [["replacement", 1]]);
    assert.ok(conditionOf(made, "converged")?.causes.some(({ code }) => code === "SHORTAGE"));
    const next = plan(serving("1", "2"), { target: 3, doc: made.doc });
    assert.deepEqual([next.creates, next.doc.vacant], [0, 1]);
  });

  test("a raised target is met all the same, but for the vacant place", () => {
    const made = plan(three, oneLost(paused("replacement"), 5));
    assert.deepEqual([made.creates, made.replaces, made.doc.vacant], [2, 0, 1]);
    const there = [...serving("1", "2"), rowOf("4", "building"), rowOf("5", "building")];
    const next = plan(there, { target: 5, doc: made.doc });
    assert.deepEqual([next.creates, next.doc.vacant], [0, 1]);
  });

  test("when it resumes the place is taken, by a server that is known as a replacement", () => {
    const made = plan(serving("1", "2"), { target: 3, doc: { vacant: 1 } });
    assert.deepEqual([made.creates, made.replaces, made.doc.vacant], [1, 1, undefined]);
  });

  test("a lower target takes vacant places away, and a higher one is scaling out", () => {
    const doc = { ...paused("replacement"), vacant: 2 };
    const lower = plan(serving("1"), { target: 1, doc });
    assert.deepEqual([lower.creates, lower.doc.vacant], [0, undefined]);
    const higher = plan(serving("1"), { doc: { ...lower.doc, target: 3 } });
    assert.deepEqual([higher.creates, higher.doc.vacant], [2, undefined]);
  });

  test("a server that is ill is not given up", () => {
    const given: Given = {
      ...attached([memberOf("1", { health: "unhealthy" })]),
      group: groupOf({ health: { useLoadBalancer: true, bootGraceMs: 0 } }),
      target: 1,
    };
    const rows = [rowOf("1", "inService", { memberships: [membershipOf("1")] })];
    assert.deepEqual(statesOf(plan(rows, given)), ["1:draining"]);
    const made = plan(rows, { ...given, doc: paused("replacement") });
    assert.deepEqual(statesOf(made), []);
    assert.ok(waitsOf(made).includes("SUSPECTED"));
    assert.ok(waitsOf(made).includes("PROCESS_PAUSED"));
  });

  test("surplus goes, and a failed build of scaling out is made anew", () => {
    assert.deepEqual(statesOf(plan(serving("1"), { target: 0, doc: paused("replacement") })), [
      "1:deleting",
    ]);
    const failed = plan([rowOf("1", "building")], {
      ...{ target: 1, doc: paused("replacement") },
      listed: [serverOf("1", { status: "ERROR" })],
    });
    assert.equal(failed.doc.vacant, undefined);
    const { backoff: _over, ...doc } = failed.doc;
    assert.equal(plan([], { target: 1, doc }).creates, 1);
  });
});

describe("B8.1 scaling in is paused", () => {
  test("nobody is chosen, and what has begun to leave stands still", () => {
    const drains = rowOf("2", "draining", { memberships: [membershipOf("2")] });
    const deleting = rowOf("3", "deleting");
    const given: Given = { ...attached([memberOf("1"), memberOf("2", { draining: true })]) };
    const one = rowOf("1", "inService", { memberships: [membershipOf("1")] });
    const rows = [one, drains, deleting];
    const made = plan(rows, { ...given, target: 0, doc: paused("scaleIn") });
    assert.deepEqual([statesOf(made), made.steps], [[], []]);
    assert.deepEqual(waitingIn(made), [["scaleIn", 3]]);
    const free = plan(rows, { ...given, target: 0 });
    assert.deepEqual(statesOf(free), ["1:draining", "2:deleting"]);
    assert.deepEqual(
      free.steps.map(({ kind }) => kind),
      ["changeMembers", "delete"],
    );
  });

  test("what a person or the cloud ended goes on its way, and so does a group that ends", () => {
    const asked = rowOf("1", "deleting", { leaving: cause("B8.1", "REQUESTED") });
    assert.equal(plan([asked], { target: 0, doc: paused("scaleIn") }).steps.length, 1);
    const made = plan(three, oneLost(paused("scaleIn")));
    assert.deepEqual([made.creates, made.replaces], [1, 1]);
    const ends = { ...paused("scaleIn"), deleting: true };
    const rows = [...serving("1"), rowOf("2", "deleting")];
    const end = plan(rows, { target: 0, doc: ends });
    assert.deepEqual(statesOf(end), ["1:deleting"]);
    assert.ok(end.steps.length > 0);
  });

  test("what is queued and no longer wanted is taken back: nothing is asked of the cloud for it", () => {
    const row = rowOf("1", "intended");
    const underWay = new Map([["create:1", "queued" as const]]);
    const made = plan([row], { target: 0, underWay, doc: paused("scaleIn") });
    assert.deepEqual(made.withdraw, ["1"]);
  });
});

test("B8.1 alerts and schedules that are paused are told, and change no plan", () => {
  const made = plan(serving("1"), { target: 2, doc: paused("alerts", "schedules") });
  assert.equal(made.creates, 1);
  assert.deepEqual(waitingIn(made), [
    ["alerts", undefined],
    ["schedules", undefined],
  ]);
});

const process = fc.constantFrom<PausableProcess>("scaleOut", "scaleIn", "replacement");
const move = fc.oneof(
  fc.record({ kind: fc.constant("lose" as const), nth: fc.nat(9) }),
  fc.record({ kind: fc.constant("target" as const), target: fc.nat(8) }),
  fc.record({ kind: fc.constant("pause" as const), process }),
  fc.record({ kind: fc.constant("resume" as const), process }),
);

/** A cloud that does at once what is planned, under a person who pauses and a fate that takes. */
test("B8.1 however targets move and servers are lost, only what is not paused is done", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 25 }), (moves) => {
      let rows: readonly ServerRow[] = [];
      let doc: Partial<PlacementDoc> = { target: 0 };
      let serial = 0;
      const lost = new Set<string>();
      const turn = () => {
        const lookedUp = [...lost].map((id) => [`cloud-${id}`, "gone"] as const);
        const listed = rows.filter(({ id }) => !lost.has(id)).map(({ id }) => serverOf(id));
        const made = plan(rows, { doc, target: doc.target!, lookedUp, listed });
        const { pausedProcesses = {}, vacant = 0 } = made.doc;
        const changed = new Map(made.rows.map((row) => [row.id, row]));
        const chosen = made.rows.filter((row) => row.leaving?.code === "SURPLUS");
        assert.ok(!pausedProcesses.scaleIn || chosen.length === 0, "scales in");
        assert.ok(!pausedProcesses.scaleOut || made.creates === made.replaces, "scales out");
        assert.ok(!pausedProcesses.replacement || made.replaces === 0, "replaces");
        rows = rows.map((row) => changed.get(row.id) ?? row).filter(isCounted);
        const fresh = Array.from({ length: made.creates }, (_, index) => {
          const row = rowOf(String(++serial % 250), "inService");
          return index < made.replaces ? { ...row, replaces: true as const } : row;
        });
        rows = [...rows, ...fresh];
        for (const id of lost) if (!rows.some((row) => row.id === id)) lost.delete(id);
        doc = made.doc;
        const missing = Math.max(0, made.doc.target - rows.length);
        assert.ok(vacant <= missing, "more vacant places than are missing");
        const out = pausedProcesses.scaleOut ? missing - vacant : 0;
        const heirs = pausedProcesses.replacement ? vacant : 0;
        const isQuiet = lost.size === 0 && made.creates === 0;
        if (isQuiet) assert.equal(missing, out + heirs, "waits for nothing that is paused");
      };
      for (const one of moves) {
        const { pausedProcesses = {}, ...rest } = doc;
        if (one.kind === "target") doc = { ...doc, target: one.target };
        if (one.kind === "lose" && rows.length > 0) lost.add(rows[one.nth % rows.length]!.id);
        if (one.kind === "pause")
          doc = { ...rest, pausedProcesses: { ...pausedProcesses, [one.process]: mark } };
        if (one.kind === "resume") {
          const { [one.process]: _ended, ...left } = pausedProcesses;
          doc = { ...rest, pausedProcesses: left };
        }
        turn();
      }
      doc = { ...doc, pausedProcesses: {} };
      for (let turns = 0; turns < 6; turns++) turn();
      assert.equal(rows.length, doc.target, "all of it is done once nothing is paused");
    }),
  );
});
