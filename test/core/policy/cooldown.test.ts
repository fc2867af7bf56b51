import assert from "node:assert/strict";
import { test } from "node:test";
import type { CooldownMarks } from "../../../src/core/model/placement.js";
import { coolsUntilMs, startCooldown } from "../../../src/core/policy/cooldown.js";
import type { Direction } from "../../../src/core/policy/numbers.js";

const nowMs = 1_000_000;
const rows: readonly [CooldownMarks, Direction, cooldownMs: number, untilMs: number | undefined][] =
  [
    [{}, "out", 100, undefined],
    [{}, "in", 100, undefined],
    [{ lastOutMs: nowMs - 99 }, "out", 100, nowMs + 1],
    [{ lastOutMs: nowMs - 100 }, "out", 100, undefined],
    [{ lastOutMs: nowMs - 101 }, "out", 100, undefined],
    [{ lastOutMs: nowMs }, "out", 0, undefined],
    [{ lastInMs: nowMs }, "out", 100, undefined],
    [{ lastInMs: nowMs }, "in", 100, nowMs + 100],
    [{ lastOutMs: nowMs }, "in", 100, nowMs + 100],
    [{ lastOutMs: nowMs - 50, lastInMs: nowMs - 20 }, "in", 100, nowMs + 80],
    [{ lastOutMs: nowMs - 20, lastInMs: nowMs - 50 }, "in", 100, nowMs + 80],
    [{ lastOutMs: nowMs - 50, lastInMs: nowMs - 20 }, "out", 100, nowMs + 50],
    [{ lastOutMs: nowMs - 150, lastInMs: nowMs - 120 }, "in", 100, undefined],
    [{ lastOutMs: nowMs + 9e9 }, "out", 100, nowMs + 100],
    [{ lastOutMs: nowMs + 9e9 }, "out", 0, undefined],
    [{ lastInMs: nowMs + 9e9 }, "out", 100, undefined],
  ];

test("B2.5 elapsed < cooldown refuses, equal passes; scaling in never delays scaling out", () => {
  for (const [marks, direction, cooldownMs, untilMs] of rows)
    assert.equal(
      coolsUntilMs({ marks, direction, cooldownMs, nowMs }),
      untilMs,
      `${JSON.stringify(marks)} ${direction} ${cooldownMs}`,
    );
});

test("B2.5 an applied decision marks its own direction alone", () => {
  assert.deepEqual(startCooldown({ lastInMs: 5 }, "out", 9), { lastInMs: 5, lastOutMs: 9 });
  assert.deepEqual(startCooldown({ lastInMs: 5 }, "in", 9), { lastInMs: 9 });
});
