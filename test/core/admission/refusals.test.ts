import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admit, createAdmissionState } from "../../../src/core/admission/admit.js";
import { answered } from "../../../src/core/admission/answer.js";
import type { AdmissionState } from "../../../src/core/admission/model.js";

const limits = { inFlightMax: 48 };

interface Asked {
  readonly startMs: number;
  readonly calls: number;
  readonly tookMs: number;
  readonly isRefusal: boolean;
}

/** So many calls at once, all answered alike. */
function ask(before: AdmissionState, asked: Asked): AdmissionState {
  const { startMs: startedMs, calls, tookMs, isRefusal } = asked;
  let state = before;
  let begun = 0;
  for (; begun < calls; begun++) {
    const admitted = admit(state, { nowMs: startedMs, share: 1, random: 0.5 });
    if (admitted.kind === "wait") break;
    state = admitted.state;
  }
  const end = { operation: "create", outcome: "good", startedMs, isRefusal } as const;
  const moment = { nowMs: startedMs + tookMs, share: 1, random: 0.5 };
  for (; begun > 0; begun--) state = answered(state, limits, end, moment);
  return state;
}

const workMs = 3_000;

test("B9.4 quick refusals are not what work takes: after some, demand has the whole window", () => {
  let state = createAdmissionState(limits, 0);
  let nowMs = 0;
  const next = (one: Omit<Asked, "startMs">, everyMs: number) => {
    state = ask(state, { ...one, startMs: nowMs });
    nowMs += everyMs;
  };
  const work = { calls: 48, tookMs: workMs, isRefusal: false };
  next(work, workMs);
  // A group at its quota asks now and then.
  for (let index = 0; index < 16; index++)
    next({ calls: 1, tookMs: 30, isRefusal: true }, 30 * 60_000);
  for (let round = 0; round < 5; round++) next(work, workMs);
  assert.equal(state.window, limits.inFlightMax);
  assert.equal(state.normalMs["create"], workMs);
});

test("B9.4 refusals, however many and however quick or slow, never move what is normal", () => {
  const burst = fc.record({
    calls: fc.integer({ min: 1, max: 48 }),
    refusedMs: fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined }),
    pauseMs: fc.nat(600_000),
  });
  let refused = 0;
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 40 }), (bursts) => {
      let state = ask(createAdmissionState(limits, 0), {
        ...{ startMs: 0, calls: 4, tookMs: workMs, isRefusal: false },
      });
      let nowMs = workMs;
      for (const { calls, refusedMs, pauseMs } of bursts) {
        const isRefusal = refusedMs !== undefined;
        const tookMs = refusedMs ?? workMs;
        if (isRefusal) refused += calls;
        state = ask(state, { startMs: nowMs, calls, tookMs, isRefusal });
        nowMs += tookMs + pauseMs;
      }
      assert.equal(state.phase, "closed");
      assert.equal(state.window, limits.inFlightMax);
      assert.deepEqual(state.normalMs, { create: workMs });
    }),
    { numRuns: 100 },
  );
  assert.ok(refused > 1_000, "hardly anything was refused");
});
