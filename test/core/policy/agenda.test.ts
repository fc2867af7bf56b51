import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventId, ScheduleId } from "../../../src/core/model/ids.js";
import type { Schedule, ScheduleMark } from "../../../src/core/model/schedule.js";
import {
  dueOf,
  lastMark,
  type NextOccurrence,
  openOccurrence,
} from "../../../src/core/policy/agenda.js";

/** Due at every full hundred. */
const next: NextOccurrence = (timing, afterMs) => {
  if (timing.kind === "at") return timing.atMs > afterMs ? timing.atMs : undefined;
  return (Math.floor(afterMs / 100) + 1) * 100;
};

const schedule: Schedule = {
  ...{ id: "s" as ScheduleId, uid: "u", generation: 1, createdAtMs: 0, updatedAtMs: 0 },
  ...{ displayName: "s", timedAtMs: 1_000, graceMs: 250 },
  timing: { kind: "cron", cron: "", timeZone: "UTC" },
  action: { kind: "change", change: 1 },
};

const mark = (untilMs: number, change: Partial<ScheduleMark> = {}): ScheduleMark => ({
  ...{ schedule: schedule.id, uid: "u", timedAtMs: 1_000, dueAtMs: untilMs, untilMs },
  ...{ doneAtMs: untilMs, outcome: "applied", event: "e" as EventId },
  ...change,
});

const running = { next, isPaused: false };
const due = (nowMs: number, marks: readonly ScheduleMark[] = [], of: Partial<Schedule> = {}) =>
  dueOf({ ...schedule, ...of }, marks, { nowMs, ...running });

test("B7.2 nothing is due before its time, and each occurrence once", () => {
  assert.equal(due(1_099), undefined);
  assert.deepEqual(due(1_100), {
    dueAtMs: 1_100,
    firstAtMs: 1_100,
    untilMs: 1_100,
    isMissed: false,
  });
  assert.equal(due(1_199, [mark(1_100)]), undefined);
  assert.equal(due(1_200, [mark(1_100)])?.dueAtMs, 1_200);
});

test("B7.2 of several that were missed the newest is due, if it is young enough", () => {
  assert.deepEqual(due(1_420), {
    dueAtMs: 1_400,
    firstAtMs: 1_100,
    untilMs: 1_400,
    isMissed: false,
  });
  const hourly = { timing: { kind: "at", atMs: 1_100 } } as const;
  assert.equal(due(1_350, [], hourly)?.isMissed, false);
  assert.equal(due(1_351, [], hourly)?.isMissed, true);
  assert.equal(due(1_351, [mark(1_101, { outcome: "missed" })], hourly), undefined);
});

test("B7.2 what happened before its timing is no occurrence of it", () => {
  assert.equal(openOccurrence(schedule, [], running), 1_100);
  assert.equal(openOccurrence({ ...schedule, timedAtMs: 1_100 }, [], running), 1_200);
});

test("B7.2 marks of another life, or of another timing, are not its own", () => {
  const others = [mark(1_500, { uid: "v" }), mark(1_500, { timedAtMs: 900 })];
  assert.equal(
    due(1_100, [...others, mark(1_500, { schedule: "t" as ScheduleId })])?.dueAtMs,
    1_100,
  );
});

test("B11.2 of what several placements did the last counts", () => {
  const marks = [mark(1_300), mark(1_500), mark(1_100)];
  assert.equal(lastMark(schedule, marks)?.untilMs, 1_500);
  assert.equal(due(1_599, marks), undefined);
});

test("B8.1 what a pause of schedules refused is due again after it, the newest within its grace", () => {
  const refused = mark(1_100, { outcome: "refused", waits: true, event: "no" as EventId });
  const held = (nowMs: number) =>
    dueOf(schedule, [refused], { nowMs, next, isPaused: true })?.dueAtMs;
  assert.equal(held(1_150), undefined, "not while it lasts");
  assert.equal(held(1_200), 1_200, "later ones have their turn to be refused");
  assert.deepEqual(due(1_150, [refused]), {
    ...{ dueAtMs: 1_100, firstAtMs: 1_100, untilMs: 1_100, isMissed: false },
    refusedBy: "no",
  });
  const once = { timing: { kind: "at", atMs: 1_100 } } as const;
  assert.equal(due(1_350, [refused], once)?.refusedBy, "no");
  assert.equal(due(1_351, [refused], once)?.isMissed, true);
  assert.equal(due(1_250, [refused])?.refusedBy, undefined, "a newer one runs in its stead");
  const ran = mark(1_100, { doneAtMs: 1_170 });
  for (const both of [
    [refused, ran],
    [ran, refused],
  ])
    assert.equal(due(1_180, both), undefined, "once, whichever placement ran it");
});

test("B7.4 a window has no occurrences: what holds is told by the time alone", () => {
  const window = { kind: "window", limits: { min: 1 }, durationMs: 50 } as const;
  assert.equal(due(1_420, [], { action: window }), undefined);
});
