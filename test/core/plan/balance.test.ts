import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cause } from "../../../src/core/model/cause.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  eventsOf,
  groupOf,
  isEmptyPlan,
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

const plan = (...given: Parameters<typeof seenOf>) => planPlacement(seenOf(...given), limits);
const leavers = (rows: readonly ServerRow[], target: number, change = {}) =>
  statesOf(plan(rows, { target, ...change }))
    .filter((text) => text.endsWith(":deleting"))
    .map((text) => text.split(":")[0]);
const since = (agoMs: number) => ({ createdAtMs: t0 - agoMs, sinceMs: t0 - agoMs });
const aged = (id: string, ageMs: number, change: Partial<ServerRow> = {}) =>
  rowOf(id, "inService", { createdAtMs: t0 - ageMs, ...change });

describe("B4.1 shortage", () => {
  test("is filled up to the target, everything on its way counted", () => {
    const rows = [
      rowOf("1", "inService"),
      rowOf("2", "launching"),
      rowOf("3", "building"),
      rowOf("4", "unconfirmed"),
      rowOf("5", "intended"),
      rowOf("6", "deleting"),
      rowOf("7", "abandoned"),
    ];
    const underWay = new Map([["create:5", "running" as const]]);
    const shortage = plan(rows, { target: 9, underWay });
    assert.equal(shortage.creates, 4);
    assert.deepEqual(shortage.createCause, cause("B4.1", "SHORTAGE", { target: 9, have: 5 }));
  });

  test("what is asked for and not yet answered keeps the hint by which a successor looks", () => {
    const rows = [rowOf("1", "intended")];
    const underWay = new Map([["create:1", "running" as const]]);
    assert.equal(plan(rows, { target: 1, underWay }).wakeAtMs, t0 + limits.pollMs);
  });

  test("is bounded per turn, and gone on with", () => {
    const bounded = planPlacement(seenOf([], { target: 9 }), { ...limits, createsMax: 4 });
    assert.equal(bounded.creates, 4);
    assert.equal(bounded.wakeAtMs, t0 + limits.pollMs);
  });

  test("B9.4 B4.9 an intention whose call is held back says so; one whose call is made does not", () => {
    const createsWait = cause("B9.4", "CLOUD_BUSY", { api: "cloud" });
    const waiting = (standing: "queued" | "running") => {
      const underWay = new Map([["create:1", standing]]);
      const seen = seenOf([rowOf("1", "intended")], { target: 1, underWay });
      return conditionOf(planPlacement(seen, { ...limits, createsWait }), "braked");
    };
    assert.deepEqual(waiting("queued")?.causes, [createsWait]);
    assert.equal(waiting("running")?.holds, false);
  });

  test("B5.3 takes back the youngest drains first, then makes new ones", () => {
    const draining = (id: string, agoMs: number, code: "SURPLUS" | "REQUESTED" = "SURPLUS") =>
      rowOf(id, "draining", {
        drainingSinceMs: t0 - agoMs,
        leaving: cause("B4.4", code),
        memberships: [membershipOf(id, { state: "draining" })],
      });
    const rows = [draining("1", 3_000), draining("2", 1_000), draining("3", 2_000)];
    const seen = { ...attached([]), target: 2 };
    const back = plan(rows, seen);
    assert.deepEqual(statesOf(back).slice(0, 2), ["2:inService", "3:inService"]);
    assert.equal(back.rows[0]?.leaving, undefined);
    assert.equal(back.rows[0]?.drainingSinceMs, undefined);
    assert.deepEqual(eventsOf(back).slice(0, 2), ["server.returned:2", "server.returned:3"]);
    assert.equal(back.creates, 0);
    const requested = plan([draining("1", 0, "REQUESTED")], { ...seen, target: 1 });
    assert.equal(requested.creates, 1, "one that was chosen by hand does not come back");
  });

  test("B4.6 waits for the backoff to end", () => {
    const backoff = { failures: 2, retryAtMs: t0 + 60_000, reason: "no host" };
    const waits = plan([], { target: 2, doc: { backoff } });
    assert.deepEqual([waits.creates, waits.wakeAtMs], [0, backoff.retryAtMs]);
    assert.deepEqual(waitsOf(waits), ["BACKOFF"]);
    assert.equal(conditionOf(waits, "degraded")?.holds, true);
    assert.equal(plan([], { target: 2, doc: { backoff }, nowMs: backoff.retryAtMs }).creates, 2);
  });
});

describe("B4.4 surplus", () => {
  test("goes in order: building (newest first), launching, left alone, in service", () => {
    const rows = [
      aged("1", 9_000),
      aged("2", 8_000, { cloudStatus: "SUSPENDED" }),
      rowOf("3", "launching"),
      rowOf("4", "building", { ...since(700), cloudStatus: "BUILD" }),
      rowOf("5", "building", { ...since(600), cloudStatus: "BUILD" }),
    ];
    const listed = rows.map(({ id, cloudStatus = "" }) => serverOf(id, { status: cloudStatus }));
    const order = [4, 3, 2, 1, 0].map((target) => leavers(rows, target, { listed }));
    assert.deepEqual(
      order.map((ids) => ids.toSorted().join("")),
      ["5", "45", "345", "2345", "12345"],
    );
  });

  test("in service: oldest, newest, or oldest launch first, as the group says", () => {
    const rows = [
      aged("1", 3_000, { launchRevision: 2 }),
      aged("2", 2_000, { launchRevision: 1 }),
      aged("3", 1_000, { launchRevision: 2 }),
    ];
    const first = (scaleInOrder: "oldestFirst" | "newestFirst" | "oldestLaunchFirst") =>
      leavers(rows, 2, { group: groupOf({ scaleInOrder }) });
    assert.deepEqual(first("oldestFirst"), ["1"]);
    assert.deepEqual(first("newestFirst"), ["3"]);
    assert.deepEqual(first("oldestLaunchFirst"), ["2"]);
  });

  test("protected servers stay, and the hold shows", () => {
    const rows = [
      aged("1", 3, { protected: true }),
      aged("2", 2),
      aged("3", 1, { protected: true }),
    ];
    const held = plan(rows, { target: 0 });
    assert.deepEqual(statesOf(held), ["2:deleting"]);
    assert.deepEqual(waitsOf(held), ["PROTECTED"]);
    assert.equal(conditionOf(held, "held")?.holds, true);
  });

  test("intentions whose call waits are withdrawn; those whose call runs are answered first", () => {
    const rows = ["1", "2", "3"].map((id) =>
      rowOf(id, "intended", { createdAtMs: t0 - Number(id) }),
    );
    const underWay = new Map([
      ["create:1", "running"],
      ["create:2", "queued"],
      ["create:3", "queued"],
    ] as const);
    const surplus = plan(rows, { target: 1, underWay });
    // The newest goes first, but its call runs.
    assert.deepEqual(surplus.withdraw, ["2"]);
    assert.deepEqual(surplus.steps, []);
    assert.deepEqual(statesOf(surplus), []);
  });

  test("an unconfirmed one blocks nobody else's place: nothing goes in its stead", () => {
    const rows = [aged("1", 1), rowOf("2", "unconfirmed")];
    const surplus = plan(rows, { target: 1 });
    assert.deepEqual(statesOf(surplus), []);
  });

  test("members drain first, others are deleted at once", () => {
    const rows = [aged("1", 2, { memberships: [membershipOf("1")] }), aged("2", 1)];
    const surplus = plan(rows, { target: 0, ...attached([memberOf("1")]) });
    assert.deepEqual(statesOf(surplus), ["1:draining", "2:deleting"]);
    assert.deepEqual(eventsOf(surplus), ["server.draining:1", "server.deleting:2"]);
  });

  test("B8.4 a placement that is deleted, or that the group left, drains to zero", () => {
    assert.deepEqual(leavers([aged("1", 1)], 1, { doc: { deleting: true, target: 1 } }), ["1"]);
    assert.deepEqual(leavers([aged("1", 1)], 1, { spec: undefined }), ["1"]);
  });
});

describe("B4.10 deletes", () => {
  test("are asked for in every turn until the cloud confirms, and reported when they age", () => {
    const row = rowOf("1", "deleting", { deletingSinceMs: t0 });
    const again = plan([row], { target: 0, nowMs: t0 + 1_000 });
    assert.deepEqual(again.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
    assert.equal(again.wakeAtMs, t0 + 1_000 + limits.pollMs);
    const old = plan([row], { target: 0, nowMs: t0 + 15 * 60_000 });
    assert.deepEqual(waitsOf(old), ["DELETE_AGED"]);
    assert.equal(old.steps.length, 1);
  });

  test("B9.3 one that cannot be deleted stops no repair", () => {
    const stuck = rowOf("1", "deleting", { leaving: cause("B4.2", "CLOUD_ERROR") });
    assert.equal(plan([stuck], { target: 1 }).creates, 1);
  });

  test("one that the cloud has taken is left to it while it is listed, and asked for when it is not", () => {
    const underWay = new Map([["taken:1", "running" as const]]);
    const rows = [rowOf("1", "deleting")];
    const atWork = plan(rows, { target: 0, underWay });
    assert.deepEqual(atWork.steps, []);
    assert.equal(atWork.wakeAtMs, t0 + limits.pollMs);
    const over = plan(rows, { target: 0, underWay, listed: [] });
    assert.deepEqual(over.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
  });

  test("steps under way are not planned again", () => {
    const underWay = new Map([["delete:1", "running" as const]]);
    assert.deepEqual(plan([rowOf("1", "deleting")], { target: 0, underWay }).steps, []);
  });
});

describe("B8.3 B9.1 pause and brakes", () => {
  const paused = { sinceMs: t0, reason: "move", principal: "ann" };

  test("paused: nothing is planned for the cloud, in either direction", () => {
    for (const target of [0, 5]) {
      const rows = [aged("1", 1), rowOf("2", "deleting")];
      const still = plan(rows, { target, doc: { paused } });
      assert.deepEqual([still.creates, still.steps, still.withdraw], [0, [], []]);
      assert.deepEqual(statesOf(still), []);
      assert.equal(conditionOf(still, "paused")?.holds, true);
    }
  });

  test("braked creates wait, are shown, and somebody looks again", () => {
    const stopped = new Map([["create", cause("B9.1", "BRAKED", { reason: "storm" })]] as const);
    const braked = plan([], { target: 3, stopped });
    assert.equal(braked.creates, 0);
    assert.equal(conditionOf(braked, "braked")?.holds, true);
    assert.ok(braked.wakeAtMs !== undefined && braked.wakeAtMs > t0);
  });

  test("braked deletes drain nobody, and what is being deleted waits", () => {
    const stopped = new Map([["delete", cause("B9.1", "BRAKED", { reason: "storm" })]] as const);
    const rows = [aged("1", 1), rowOf("2", "deleting")];
    const braked = plan(rows, { target: 0, stopped });
    assert.deepEqual([statesOf(braked), braked.steps], [[], []]);
    assert.ok(braked.wakeAtMs !== undefined);
  });

  test("a hundred servers that wait for one reason tell it once", () => {
    const brake = cause("B9.1", "BRAKED", { reason: "storm" });
    const stopped = new Map([["delete", brake]] as const);
    const rows = Array.from({ length: 100 }, (_, index) => aged(String(index), index));
    const { doc } = plan(rows, { target: 0, stopped });
    for (const { type, causes } of doc.conditions) assert.ok(causes.length <= 5, type);
    assert.deepEqual(doc.conditions.find((one) => one.type === "braked")?.causes, [brake]);
  });
});

describe("B4.9 conditions", () => {
  test("turn with an event and a time, then stay untouched", () => {
    const first = plan([aged("1", 1)]);
    assert.equal(conditionOf(first, "converged")?.holds, true);
    assert.equal(conditionOf(first, "converged")?.sinceMs, t0);
    assert.equal(first.events.length, 1);
    const later = seenOf([aged("1", 1)], { doc: first.doc, nowMs: t0 + 5_000 });
    assert.ok(isEmptyPlan(planPlacement(later, limits), later));
    const short = plan([aged("1", 1)], { doc: { ...first.doc, target: 2 }, target: 2 });
    assert.equal(conditionOf(short, "converged")?.holds, false);
  });

  test("a new reason is written without an event when the condition does not turn", () => {
    const wait = (retryAtMs: number) => ({
      target: 1,
      doc: { backoff: { failures: 1, retryAtMs, reason: "x" } },
    });
    const first = plan([], wait(t0 + 1_000));
    const { conditions } = first.doc;
    const doc = { ...wait(t0 + 2_000).doc, conditions };
    const next = plan([], { target: 1, doc, nowMs: t0 + 10 });
    assert.deepEqual(next.events, []);
    assert.equal(conditionOf(next, "degraded")?.sinceMs, t0);
    assert.equal(conditionOf(next, "degraded")?.causes[0]?.facts["retryAtMs"], t0 + 2_000);
  });

  test("paused and blind are told as such, not as a surplus", () => {
    const converged = plan([aged("1", 1)]).doc;
    const pause = { sinceMs: t0, reason: "r", principal: "ann" };
    const still = plan([aged("1", 1)], { target: 1, doc: { ...converged, paused: pause } });
    assert.equal(conditionOf(still, "converged")?.holds, false);
    assert.deepEqual(
      conditionOf(still, "converged")?.causes.map((one) => one.code),
      ["PAUSED"],
    );
    const why = cause("B4.3", "LISTING_PARTIAL");
    const blind = plan([aged("1", 1)], {
      doc: converged,
      target: 1,
      cloud: { kind: "unavailable", cause: why },
    });
    assert.deepEqual(conditionOf(blind, "converged")?.causes, [why]);
    const leaving = plan([aged("1", 1), rowOf("2", "deleting")], { target: 1 });
    assert.deepEqual(conditionOf(leaving, "converged")?.causes, [
      cause("B4.9", "SURPLUS", { target: 1, have: 2 }),
    ]);
  });
});
