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
  // What opens circuits: many begin, and all of them end alike.
  fc.record({
    kind: fc.constant("storm" as const),
    outcome: fc.constantFrom(...outcomes),
    calls: fc.nat(60),
    kept: fc.nat(3),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** A storm as the steps that it is made of. */
function plain(one: Step): readonly Step[] {
  if (one.kind !== "storm") return [one];
  const { outcome, calls, kept } = one;
  const begin: Step = { kind: "begin", share: 1 };
  const end: Step = { kind: "end", outcome, retryAfterMs: undefined, index: 0 };
  return [
    ...Array.from({ length: calls }, () => begin),
    { kind: "pass", ms: 500 },
    ...Array.from({ length: Math.max(0, calls - kept) }, () => end),
  ];
}

/** Plays steps; every call in flight is remembered with its begin. */
function play(steps: readonly Step[]) {
  let state = createAdmissionState(limits, 0);
  let nowMs = 0;
  let opened = false;
  const calls: number[] = [];
  for (const one of steps.flatMap(plain)) {
    if (one.kind === "storm") continue;
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
      opened ||= before.phase === "open";
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
  return { state, nowMs, calls, opened };
}

function check(state: AdmissionState): void {
  assert.ok(state.window >= 1 && state.window <= limits.inFlightMax, `${state.window}`);
  assert.ok(state.perSecond === undefined || state.perSecond > 0);
  assert.ok(state.inFlight >= 0 && Number.isFinite(state.tokens));
}

test("B9.4 whatever is answered: never above the allowance, one probe while the circuit is open", () => {
  let probed = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      if (play(steps).opened) probed++;
    }),
    { numRuns: 300 },
  );
  assert.ok(probed >= 5, `a circuit opened in ${probed} runs only`);
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
      const deadlineMs = nowMs + 12 * 60_000;
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
