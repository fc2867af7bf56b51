import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { BuildBackoff } from "../../../src/core/model/placement.js";
import { afterFailure } from "../../../src/core/plan/backoff.js";
import { t0 } from "./fixtures.js";

const fail = (before: BuildBackoff | undefined, nowMs: number, reason = "no host", salt = "a") =>
  afterFailure(before, { nowMs, reason, salt });

test("B4.6 waves of failures double the delay from 30 s to 30 min, jittered downwards", () => {
  let backoff: BuildBackoff | undefined;
  let nowMs = t0;
  for (let wave = 1; wave <= 12; wave++) {
    backoff = fail(backoff, nowMs);
    const fullMs = Math.min(30 * 60_000, 30_000 * 2 ** (wave - 1));
    const delayMs = backoff.retryAtMs - nowMs;
    assert.equal(backoff.failures, wave);
    assert.ok(delayMs <= fullMs && delayMs >= fullMs * 0.8, `wave ${wave}: ${delayMs} ms`);
    nowMs = backoff.retryAtMs;
  }
});

test("B4.6 a wave counts once, and its newest reason is told", () => {
  const first = fail(undefined, t0);
  assert.equal(fail(first, t0 + 1_000), first);
  assert.deepEqual(fail(first, t0 + 1_000, "quota"), { ...first, reason: "quota" });
});

test("B4.6 groups that failed together do not return together", () => {
  const retries = new Set(
    Array.from({ length: 50 }, (_, index) => fail(undefined, t0, "x", `g-${index}`).retryAtMs),
  );
  assert.ok(retries.size > 40, `only ${retries.size} different times`);
});

test("B4.6 the same failure gives the same delay, always in the future", () => {
  const failures = fc.integer({ min: 1, max: 100_000 });
  const before = fc.option(fc.record({ failures, retryAtMs: fc.integer(), reason: fc.string() }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(before, fc.integer(), fc.string(), (given, nowMs, salt) => {
      const next = fail(given, nowMs, "r", salt);
      assert.deepEqual(fail(given, nowMs, "r", salt), next);
      assert.ok(next.retryAtMs > nowMs);
      assert.ok(next.retryAtMs - nowMs <= 30 * 60_000 || next.retryAtMs === given?.retryAtMs);
    }),
  );
});
