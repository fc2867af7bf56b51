import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { type CauseCode, cause } from "../../../src/core/model/cause.js";
import { sayCause } from "../../../src/core/model/say-cause.js";
import { sayDuration } from "../../../src/core/model/say-duration.js";

const durations: readonly [durationMs: number, said: string][] = [
  [0, "0 ms"],
  [340, "340 ms"],
  [999.5, "1000 ms"],
  [1_000, "1 s"],
  [1_001, "2 s"],
  [42_000, "42 s"],
  [59_001, "1 min"],
  [60_000, "1 min"],
  [125_000, "2 min 5 s"],
  [3_599_999, "1 h"],
  [3_600_000, "1 h"],
  [9_000_000, "2 h 30 min"],
  [86_400_000, "1 d"],
  [97_200_000, "1 d 3 h"],
  [-42_000, "-42 s"],
  [Number.NaN, "an unknown time"],
];

test("B2.9 durations are told in their two largest units, never too short", () => {
  for (const [durationMs, said] of durations) assert.equal(sayDuration(durationMs), said);
});

const told: readonly [code: CauseCode, facts: Parameters<typeof cause>[2], said: string][] = [
  [
    "COOLDOWN_POLICY",
    { cooldownMs: 300_000, retryInMs: 41_400 },
    "The policy's cooldown of 5 min is not over; it passes in 42 s.",
  ],
  ["COOLDOWN_GROUP", {}, "The group's cooldown is not over."],
  [
    "APPLIED",
    { oldTarget: 4, newTarget: 6, asked: "+2" },
    "The target changes from 4 to 6, as asked: +2.",
  ],
  [
    "CLAMPED_TO_MAX",
    { wanted: 12, max: 10, target: 10 },
    "The maximum is reached: 12 servers were wanted, 10 may be, so the target is 10.",
  ],
  [
    "DEMAND_UNANSWERED",
    { unanswered: 1 },
    "1 server of what was asked for before must be in service or given up first.",
  ],
  [
    "BACKOFF",
    { failures: 3, retryInMs: 65_000, fault: "No valid host\n was found." },
    "3 builds failed in a row; new servers are tried again later, in 1 min 5 s:" +
      " No valid host was found.",
  ],
  [
    "BRAKED",
    { operation: "create", reason: "cell 2 is down" },
    "An operator's brake stops calls of class create to this colo: cell 2 is down.",
  ],
  [
    "SHORTAGE",
    { seenAtMs: 0, zonesLeft: 2, sureOfIt: false },
    "Servers are missing (seen at 1970-01-01T00:00:00.000Z, zones left 2, sure of it false).",
  ],
  ["NEVER_HEARD_OF" as CauseCode, { port: 80 }, "Never heard of (port 80)."],
  ["constructor" as CauseCode, {}, "Constructor."],
];

test("B2.9 a cause is one sentence with its numbers", () => {
  for (const [code, facts, said] of told) assert.equal(sayCause(cause("B2.9", code, facts)), said);
});

test("B2.9 every code has its sentence, with no fact at all", async () => {
  const source = new URL("../../../../src/core/model/cause.ts", import.meta.url);
  const text = await readFile(source, "utf8");
  const codes = [...text.matchAll(/^ {2}\| "(\w+)"/gm)].map(([, code]) => code as CauseCode);
  assert.ok(codes.length > 40);
  for (const code of codes) {
    const said = sayCause(cause("B2.9", code));
    assert.match(said, /^[A-Z][^{}[\]|]+[^ .,:;]\.$/);
    assert.ok(said.split(" ").length >= 3, said);
    assert.doesNotMatch(said, / {2}| [,;:.]/);
  }
});

test("B2.9 no fact is left out, and none can break the sentence", () => {
  const fact = fc.oneof(fc.string(), fc.double(), fc.integer(), fc.boolean());
  const name = fc.oneof(
    fc.constantFrom("retryInMs", "reason", "fault", "untilMs", "target", "__proto__"),
    fc.stringMatching(/^[a-z][A-Za-z]{0,9}$/),
  );
  const code = fc.constantFrom<CauseCode>("BACKOFF", "PAUSED", "APPLIED", "FORCED", "QUOTA");
  fc.assert(
    fc.property(code, fc.dictionary(name, fact, { maxKeys: 9 }), (given, facts) => {
      const said = sayCause(cause("B2.9", given, facts));
      assert.match(said, /\.$/);
      assert.ok(!said.includes("\n"));
      for (const value of Object.values(facts))
        if (typeof value === "boolean") assert.ok(said.includes(String(value)));
    }),
  );
});
