import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createOccurrences, timingProblem } from "../../../src/supervisor/schedules/occurrences.js";
import { createOracle } from "./cron-oracle.js";

const next = createOccurrences();

const cron = (expression: string, timeZone: string) =>
  ({ kind: "cron", cron: expression, timeZone }) as const;

/** The first few after an instant. */
function several(expression: string, timeZone: string, after: string, count: number): string[] {
  const found: string[] = [];
  let atMs: number | undefined = Date.parse(after);
  for (let nth = 0; nth < count && atMs !== undefined; nth++) {
    atMs = next(cron(expression, timeZone), atMs);
    if (atMs !== undefined) found.push(new Date(atMs).toISOString().slice(0, 16));
  }
  return found;
}

test("B7.1 an instant is due once", () => {
  const timing = { kind: "at", atMs: 5_000 } as const;
  assert.equal(next(timing, 4_999), 5_000);
  assert.equal(next(timing, 5_000), undefined);
});

test("B7.1 cron goes by the local time of its zone", () => {
  assert.deepEqual(several("30 7 * * MON-FRI", "Europe/Berlin", "2026-07-10T12:00Z", 2), [
    "2026-07-13T05:30",
    "2026-07-14T05:30",
  ]);
  assert.deepEqual(several("30 7 1 1 *", "Asia/Kolkata", "2026-07-10T12:00Z", 1), [
    "2027-01-01T02:00",
  ]);
  assert.deepEqual(several("0 12 13 * 5", "UTC", "2026-01-01T00:00Z", 3), [
    "2026-01-02T12:00",
    "2026-01-09T12:00",
    "2026-01-13T12:00",
  ]);
});

test("B7.1 a local time that is skipped is due once, at the jump", () => {
  const jump = "2026-03-29T01:00";
  assert.deepEqual(several("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2), [
    jump,
    "2026-03-30T00:30",
  ]);
  assert.deepEqual(several("*/10 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2), [
    jump,
    "2026-03-30T00:00",
  ]);
  assert.deepEqual(several("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", 2), [
    jump,
    "2026-03-29T01:30",
  ]);
});

test("B7.1 a local time that comes twice is due the first time alone", () => {
  assert.deepEqual(several("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 2), [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
  assert.deepEqual(several("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45Z", 4), [
    "2026-10-25T00:00",
    "2026-10-25T00:30",
    "2026-10-25T02:00",
    "2026-10-25T02:30",
  ]);
  // Asked in the second of the two hours.
  assert.deepEqual(several("45 2 * * *", "Europe/Berlin", "2026-10-25T01:20Z", 1), [
    "2026-10-26T01:45",
  ]);
});

test("B7.1 a day that a zone leaves out is due at the jump over it", () => {
  assert.deepEqual(several("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", 1), [
    "2011-12-30T10:00",
  ]);
});

test("B7.1 what is no timing is told, by the member that is wrong", () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const wrong = (expression: string, timeZone = "UTC") =>
    timingProblem(cron(expression, timeZone), nowMs)?.member;
  assert.equal(wrong("0 8 * * *"), undefined);
  assert.equal(wrong("0 8 29 2 *"), undefined);
  for (const bad of ["60 8 * * *", "0 8 * *", "0 8 * * * *", "0 8 30 2 *", "0 22-2 * * *", "x"])
    assert.equal(wrong(bad), "cron", bad);
  for (const zone of ["Mars/Olympus", "Europe/Nowhere"])
    assert.equal(wrong("0 8 * * *", zone), "timeZone");
});

const zones = [
  "Europe/Berlin",
  "America/New_York",
  "America/Santiago",
  "Africa/Cairo",
  "Australia/Lord_Howe",
];
const fromMs = Date.UTC(2024, 0, 1);
const toMs = Date.UTC(2034, 0, 1);
const hourMs = 3_600_000;

const number = (least: number, most: number) => fc.integer({ min: least, max: most });
const list = (least: number, most: number) =>
  fc
    .uniqueArray(number(least, most), { minLength: 1, maxLength: 4 })
    .map((all) => all.toSorted((a, b) => a - b).join(","));
const range = (least: number, most: number) =>
  fc
    .tuple(number(least, most), number(least, most), number(1, 7))
    .map(([a, b, step]) => `${Math.min(a, b)}-${Math.max(a, b)}${step > 1 ? `/${step}` : ""}`);
const field = (least: number, most: number) =>
  fc.oneof(fc.constant("*"), list(least, most), range(least, most));
const expressions = fc
  .tuple(
    fc.oneof(field(0, 59), fc.constantFrom("0", "30", "*/10", "*/7")),
    fc.oneof(field(0, 23), fc.constantFrom("*", "0", "1", "2", "0-3", "*/2")),
    fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, { weight: 1, arbitrary: field(1, 31) }),
    fc.oneof({ weight: 3, arbitrary: fc.constant("*") }, { weight: 1, arbitrary: field(1, 12) }),
    fc.oneof({ weight: 2, arbitrary: fc.constant("*") }, { weight: 1, arbitrary: field(0, 7) }),
  )
  .map((fields) => fields.join(" "));

/** All that the service finds in (afterMs, untilMs]. */
function found(expression: string, timeZone: string, afterMs: number, untilMs: number): number[] {
  const all: number[] = [];
  let atMs = next(cron(expression, timeZone), afterMs);
  while (atMs !== undefined && atMs <= untilMs) {
    all.push(atMs);
    atMs = next(cron(expression, timeZone), atMs);
  }
  return all;
}

for (const zone of zones) {
  test(`B7.1 ten years of ${zone}: the same as by walking every minute of them`, () => {
    const oracle = createOracle(zone, fromMs, toMs);
    assert.ok(oracle.changes.length >= 20, `${oracle.changes.length} changes of the clocks`);
    for (const expression of ["30 2 * * SUN", "15 1 1,15,28-31 MAR-NOV *"])
      assert.deepEqual(
        found(expression, zone, fromMs, toMs),
        oracle.between(expression, fromMs, toMs),
        expression,
      );
  });

  test(`B7.1 any expression around each change of ${zone}'s clocks in ten years`, () => {
    const oracle = createOracle(zone, fromMs, toMs);
    fc.assert(
      fc.property(expressions, number(-180, 180), (expression, minutes) => {
        for (const changeMs of oracle.changes) {
          const afterMs = changeMs + minutes * 60_000;
          const untilMs = afterMs + 4 * hourMs;
          assert.deepEqual(
            found(expression, zone, afterMs, untilMs),
            oracle.between(expression, afterMs, untilMs),
            `${expression} after ${new Date(afterMs).toISOString()}`,
          );
        }
      }),
      { numRuns: 15, seed: 7 },
    );
  });
}
