import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PlacementSpec } from "../../../src/core/model/group.js";
import type { ColoId, EventId, ScheduleId } from "../../../src/core/model/ids.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { Schedule, WindowSpec } from "../../../src/core/model/schedule.js";
import type { NextOccurrence } from "../../../src/core/policy/agenda.js";
import { effectiveLimits } from "../../../src/core/policy/limits.js";
import { type OpenWindows, openWindows, settleWindow } from "../../../src/core/policy/windows.js";

/** Opens at every full hundred. */
const next: NextOccurrence = (_, afterMs) => (Math.floor(afterMs / 100) + 1) * 100;

const window = (id: string, limits: WindowSpec, durationMs = 30): Schedule => ({
  ...{ id: id as ScheduleId, uid: id, generation: 1, createdAtMs: 0, updatedAtMs: 0 },
  ...{ displayName: id, timedAtMs: 1_000, graceMs: 0 },
  timing: { kind: "cron", cron: "", timeZone: "UTC" },
  action: { kind: "window", limits, durationMs },
});

test("B7.4 a window is open from its start on, up to its end and not at it", () => {
  const at = (nowMs: number) => openWindows([window("a", { min: 3 })], { nowMs, next });
  assert.deepEqual(at(1_099), { schedules: [], limits: {}, nextAtMs: 1_100 });
  assert.deepEqual(at(1_100), { schedules: ["a"], limits: { min: 3 }, nextAtMs: 1_130 });
  assert.deepEqual(at(1_129), { schedules: ["a"], limits: { min: 3 }, nextAtMs: 1_130 });
  assert.deepEqual(at(1_130), { schedules: [], limits: {}, nextAtMs: 1_200 });
});

test("B7.4 of several the largest min and floor and the smallest max hold", () => {
  const all = [
    window("b", { min: 3, max: 9 }),
    window("a", { min: 5, floor: 2 }),
    window("c", { floor: 4, max: 7 }),
  ];
  const { schedules, limits } = openWindows(all, { nowMs: 1_100, next });
  assert.deepEqual(schedules, ["a", "b", "c"]);
  assert.deepEqual(limits, { min: 5, floor: 4, max: 7 });
});

test("B7.4 one whose next start is before its end stays open", () => {
  const { nextAtMs, schedules } = openWindows([window("a", { min: 3 }, 150)], {
    nowMs: 1_130,
    next,
  });
  assert.deepEqual([schedules, nextAtMs], [["a"], 1_150]);
  assert.deepEqual(openWindows([window("a", { min: 3 }, 150)], { nowMs: 1_150, next }).schedules, [
    "a",
  ]);
});

const placement = (colo: string, change: Partial<PlacementSpec> = {}): PlacementSpec => ({
  ...{ colo: colo as ColoId, min: 0, max: 10, weight: 1, attachments: [] },
  ...change,
});

function docOf(spec: PlacementSpec, target: number, change: Partial<PlacementDoc> = {}) {
  const { min, max, colo } = spec;
  return {
    ...{ key: { account: "a", group: "g", colo }, groupUid: "u", groupGeneration: 1, min, max },
    ...{ target, targetChangedAtMs: 0, deleting: false, groupMarks: {}, policyMarks: {} },
    conditions: [],
    ...change,
  } as unknown as PlacementDoc;
}

const by = (id: string) => ({ nowMs: 5_000, by: id as EventId });
const open = (limits: WindowSpec, id = "w") => ({ schedules: [id as ScheduleId], limits });
const none: OpenWindows = { schedules: [], limits: {} };

test("B7.4 a group's windows are split by weight, alike in every colo", () => {
  const placements = [placement("iad", { weight: 3 }), placement("ams", { weight: 1 })];
  const limitsOf = (limits: WindowSpec) =>
    placements.map((spec) => {
      const settled = settleWindow(docOf(spec, 0), { placements, open: open(limits) }, by("e"));
      return effectiveLimits(settled!.doc, 5_000);
    });
  assert.deepEqual(limitsOf({ max: 8 }), [
    { min: 0, max: 6 },
    { min: 0, max: 2 },
  ]);
  assert.deepEqual(limitsOf({ min: 16 }), [
    { min: 10, max: 10 },
    { min: 6, max: 10 },
  ]);
});

test("B7.4 what has its windows' limits already is left as it is", () => {
  const spec = placement("iad");
  const settle = (doc: PlacementDoc) =>
    settleWindow(doc, { placements: [spec], open: open({ floor: 4 }) }, by("e"));
  const first = settle(docOf(spec, 1));
  assert.equal(first?.turned, "opened");
  assert.equal(settle(first!.doc), undefined);
  assert.equal(
    settleWindow(docOf(spec, 1), { placements: [spec], open: none }, by("e")),
    undefined,
  );
});

test("B7.4 a floor that another window takes over from another still knows where it came from", () => {
  const spec = placement("iad");
  const on = (doc: PlacementDoc, of: OpenWindows, id: string) =>
    settleWindow(doc, { placements: [spec], open: of }, by(id))!.doc;
  const first = on(docOf(spec, 1), open({ floor: 4 }, "a"), "e1");
  const second = on(first, open({ floor: 4 }, "b"), "e2");
  const third = on(second, open({ floor: 6 }, "c"), "e3");
  assert.deepEqual([first.target, second.target, third.target], [4, 4, 6]);
  assert.equal(on(third, none, "e4").target, 1);
  assert.equal(on({ ...third, target: 8, movedBy: "x" as EventId }, none, "e4").target, 8);
});

test("B7.4 windows never reach beyond the group's own limits, and the sum holds", () => {
  const whole = (max: number) => fc.integer({ min: 0, max });
  const placements = fc
    .array(fc.record({ a: whole(20), b: whole(20), weight: whole(5), target: whole(20) }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((all) =>
      all.map(({ a, b, weight, target }, at) => {
        const spec = placement(`c${at}`, { min: Math.min(a, b), max: Math.max(a, b), weight });
        return { spec, target: Math.max(spec.min, Math.min(spec.max, target)) };
      }),
    );
  const limits = fc.record(
    { min: whole(40), max: whole(40), floor: whole(40) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(placements, limits, (all, given) => {
      const specs = all.map(({ spec }) => spec);
      const docs = all.map(({ spec, target }) => {
        const doc = docOf(spec, target);
        return settleWindow(doc, { placements: specs, open: open(given) }, by("e"))?.doc ?? doc;
      });
      const sum = (of: (doc: PlacementDoc) => number) => docs.reduce((a, doc) => a + of(doc), 0);
      const now = docs.map((doc) => effectiveLimits(doc, 5_000));
      for (const [at, doc] of docs.entries()) {
        assert.ok(now[at]!.max <= doc.max && now[at]!.min <= now[at]!.max);
        assert.ok(doc.target >= now[at]!.min && doc.target <= now[at]!.max);
      }
      if (given.max !== undefined) assert.ok(sum((doc) => doc.target) <= given.max);
      const room = Math.min(
        given.max ?? Number.POSITIVE_INFINITY,
        sum((doc) => doc.max),
      );
      const least = Math.min(Math.max(given.min ?? 0, given.floor ?? 0), room);
      assert.ok(sum((doc) => doc.target) >= least);
    }),
    { numRuns: 300 },
  );
});
