import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admit, createAdmissionState, inFlightAllowed } from "../../../src/core/admission/admit.js";
import { answered } from "../../../src/core/admission/answer.js";
import type { AdmissionState, CallOutcome } from "../../../src/core/admission/model.js";

const limits = { inFlightMax: 48 };
const outcomes: readonly CallOutcome[] = ["good", "throttled", "failed", "timedOut", "dropped"];

const step = fc.oneof(
  fc.record({ kind: fc.constant("begin" as const), share: fc.constantFrom(1, 0.5, 0.125) }),
  fc.record({
    kind: fc.constant("end" as const),
    outcome: fc.constantFrom(...outcomes),
    retryAfterMs: fc.option(fc.nat(20_000), { nil: undefined }),
    index: fc.nat(100),
  }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(5_000) }),
);

/** Plays steps; every call in flight is remembered with its begin. */
function play(steps: readonly (typeof step extends fc.Arbitrary<infer One> ? One : never)[]) {
  let state = createAdmissionState(limits, 0);
  let nowMs = 0;
  const calls: number[] = [];
  for (const one of steps) {
    if (one.kind === "pass") nowMs += one.ms;
    else if (one.kind === "begin") {
      const before = state;
      const admitted = admit(state, { nowMs, share: one.share, random: 0.5 });
      if (admitted.kind === "wait") {
        assert.ok(admitted.untilMs === undefined || admitted.untilMs > nowMs, "waits for the past");
        assert.ok(admitted.untilMs !== undefined || state.inFlight > 0, "waits for nothing");
        continue;
      }
      state = admitted.state;
      calls.push(nowMs);
      assert.equal(state.inFlight, calls.length);
      if (before.phase === "open") assert.equal(state.inFlight, 1, "a probe is alone");
      else assert.ok(state.inFlight + state.left.length <= inFlightAllowed(state, one.share));
      assert.ok(nowMs >= before.notBeforeMs, "Retry-After is kept");
    } else if (calls.length > 0) {
      const [startedMs] = calls.splice(one.index % calls.length, 1);
      const { outcome, retryAfterMs } = one;
      const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
      const end = { operation: "create", outcome, startedMs: startedMs!, ...retry };
      state = answered(state, limits, end, { nowMs, share: 1, random: 0.5 });
    }
    check(state);
  }
  return { state, nowMs, calls };
}

function check(state: AdmissionState): void {
  assert.ok(state.window >= 1 && state.window <= limits.inFlightMax, `${state.window}`);
  assert.ok(state.perSecond === undefined || state.perSecond > 0);
  assert.ok(state.inFlight >= 0 && Number.isFinite(state.tokens));
}

test("B9.4 whatever is answered: never above the allowance, one probe while the circuit is open", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      play(steps);
    }),
    { numRuns: 300 },
  );
});

test("B9.4 whatever happened: once the API is well, its calls flow again within minutes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const end = play(steps);
      let { state, nowMs } = end;
      for (const startedMs of end.calls)
        state = answered(
          state,
          limits,
          { operation: "create", outcome: "good", startedMs },
          { nowMs, share: 1, random: 0.5 },
        );
      const deadlineMs = nowMs + 8 * 60_000;
      while (nowMs < deadlineMs && !isFree(state)) {
        const began: number[] = [];
        for (let left = 48; left > 0; left--) {
          const admitted = admit(state, { nowMs, share: 1, random: 0.5 });
          if (admitted.kind === "wait") break;
          state = admitted.state;
          began.push(nowMs);
        }
        nowMs += 100;
        for (const startedMs of began)
          state = answered(
            state,
            limits,
            { operation: "create", outcome: "good", startedMs },
            { nowMs, share: 1, random: 0.5 },
          );
      }
      assert.ok(isFree(state), JSON.stringify(state));
    }),
    { numRuns: 200 },
  );
});

const isFree = ({ phase, window, perSecond }: AdmissionState) =>
  phase === "closed" && window > 40 && (perSecond === undefined || perSecond > 100);
