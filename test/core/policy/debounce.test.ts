import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScaleEvent } from "../../../src/core/model/scale-event.js";
import {
  debounceMaxMs,
  openedWindows,
  openWindow,
  windowKey,
  windowMsOf,
} from "../../../src/core/policy/debounce.js";
import { alertAsk, eventOf, policyOf, runUp, seconds } from "./fixtures.js";

const windowRows: readonly [event: ScaleEvent, debounceMs: number, windowMs: number][] = [
  [eventOf(runUp), seconds(10), 0],
  [eventOf(runUp, { source: "schedule" }), seconds(10), 0],
  [eventOf(runUp, { source: "webhook" }), seconds(10), seconds(10)],
  [eventOf(alertAsk("critical")), seconds(10), seconds(10)],
  [eventOf(runUp, { source: "circleBack" }), seconds(10), seconds(10)],
  [eventOf(alertAsk("critical")), 0, 0],
  [eventOf(alertAsk("critical")), 9 * debounceMaxMs, debounceMaxMs],
];

test("B3.1 windows are the policy's for alerts and webhooks, none by hand, an hour at most", () => {
  for (const [event, debounceMs, windowMs] of windowRows)
    assert.equal(windowMsOf(event, policyOf({ debounceMs })), windowMs, event.source);
});

test("B3.1 a window is open for what is less than its length after it", () => {
  const windows = { "critical/out": { openedAtMs: 100, eventId: "e0" } };
  const open = (key: string, nowMs: number) => openWindow(windows, key, { windowMs: 10, nowMs });
  assert.equal(open("critical/out", 100)?.eventId, "e0");
  assert.equal(open("critical/out", 109)?.eventId, "e0");
  assert.equal(open("critical/out", 110), undefined);
  assert.equal(open(windowKey("critical", "in"), 100), undefined);
  assert.equal(open(windowKey("warning", "out"), 100), undefined);
  assert.equal(open("constructor", 100), undefined);
  assert.equal(openWindow(undefined, "critical/out", { windowMs: 10, nowMs: 100 }), undefined);
});

test("B3.1 windows that are over are pruned when another opens", () => {
  const windows = {
    "critical/out": { openedAtMs: 90, eventId: "e0" },
    "warning/out": { openedAtMs: 95, eventId: "e1" },
  };
  const window = { openedAtMs: 100, eventId: "e2" };
  const opened = openedWindows(windows, { key: "critical/in", window, windowMs: 10 });
  assert.deepEqual(Object.keys(opened ?? {}), ["warning/out", "critical/in"]);
  assert.equal(openedWindows(windows, { key: "asked/out", window, windowMs: 0 }), windows);
});
