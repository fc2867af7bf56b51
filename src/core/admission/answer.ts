import { burstOf, inFlightAllowed } from "./admit.js";
import { cutByThrottle, cutEveryMs, move, rampPerSecond, roundMsMin } from "./allowance.js";
import { isSlowProbe, learned } from "./latency.js";
import {
  type AdmissionLimits,
  type AdmissionState,
  type CallEnd,
  type LeftCall,
  type Moment,
  newRound,
  type Round,
} from "./model.js";

/** Failures without a good answer between them that open the circuit; an unanswered call is two. */
const failuresMax = 5;
const failuresMaxRamping = 2;
const failuresShare = 0.25;
/** An unanswered call counts as at work in the cloud for as long again, at most so long. */
const leftMsMax = 60_000;
const leftMax = 1_000;
const retryAfterMsMax = 300_000;
const probeDelayMs = 1_000;
const probeDelayMsMax = 15_000;
/** The allowance is moved at most so often. */
const roundMs = 1_000;

/** What the controller makes of a call's end (B9.4). */
export function answered(
  before: AdmissionState,
  limits: AdmissionLimits,
  end: CallEnd,
  moment: Moment,
): AdmissionState {
  const state = { ...before, inFlight: Math.max(0, before.inFlight - 1) };
  if (end.outcome === "dropped") return dropped(state, moment);
  const noted = noteFault(noteLeft(state, end, moment), end, moment);
  switch (noted.phase) {
    case "probing":
      return probed(noted, end, moment);
    case "open":
      return noted; // Begun before it opened: says nothing of how things are now.
    case "ramping":
    case "closed":
      return flowing(noted, limits, end, moment);
    default:
      return noted.phase satisfies never;
  }
}

/** It cost the cloud nothing: its token comes back. */
function dropped(state: AdmissionState, { share }: Moment): AdmissionState {
  const { perSecond, phase } = state;
  const burst = perSecond === undefined ? 1 : burstOf(perSecond * share);
  const back = { ...state, tokens: Math.min(burst, state.tokens + 1) };
  return phase === "probing" ? { ...back, phase: "open" } : back;
}

function noteLeft(state: AdmissionState, end: CallEnd, { nowMs }: Moment): AdmissionState {
  if (end.outcome !== "timedOut") return state;
  const lastsMs = Math.min(leftMsMax, Math.max(0, nowMs - end.startedMs));
  const one: LeftCall = { atMs: nowMs, untilMs: nowMs + lastsMs };
  return { ...state, left: [...state.left, one].slice(-leftMax) };
}

function noteFault(state: AdmissionState, end: CallEnd, { nowMs }: Moment): AdmissionState {
  const { outcome, operation, message = "" } = end;
  if (outcome === "good") return { ...state, failuresInRow: 0 };
  const weight =
    outcome === "timedOut" ? 2 : outcome === "failed" ? 1 : throttleWeight(state, nowMs);
  const lastFault = { atMs: nowMs, outcome, operation, message };
  return { ...state, failuresInRow: state.failuresInRow + weight, lastFault };
}

/** All of a burst's 429s are one: the API is well, it only wants fewer calls. */
function throttleWeight({ cutAtMs }: AdmissionState, nowMs: number): number {
  return nowMs - cutAtMs < cutEveryMs ? 0 : 0.5;
}

/** A probe was answered: well, and the ramp begins; slowly or not, and the next one comes later. */
function probed(state: AdmissionState, end: CallEnd, moment: Moment): AdmissionState {
  const { nowMs } = moment;
  const latencyMs = nowMs - end.startedMs;
  if (end.outcome !== "good") {
    const next = { ...state, probesFailed: state.probesFailed + 1 };
    return opened(next, end, moment);
  }
  const normalMs = learned(state, withSample(state.round, end, nowMs), nowMs);
  const seen = { ...state, normalMs };
  if (isSlowProbe(state, end.operation, latencyMs)) return opened(seen, end, moment);
  return {
    ...{ ...seen, phase: "ramping", sinceMs: nowMs, window: 1, left: [] },
    ...{ perSecond: rampPerSecond, tokens: 1, tokensAtMs: nowMs, probesFailed: 0 },
    ...{ notBeforeMs: nowMs, outageAtMs: nowMs, round: newRound(nowMs) },
  };
}

function opened(state: AdmissionState, end: CallEnd, moment: Moment): AdmissionState {
  const { nowMs, share, random } = moment;
  const delayMs = Math.min(probeDelayMsMax, probeDelayMs * 2 ** Math.min(10, state.probesFailed));
  const spreadMs = (delayMs * (0.8 + 0.4 * random)) / share;
  const asked = nowMs + Math.min(retryAfterMsMax, end.retryAfterMs ?? 0);
  return {
    ...{ ...state, phase: "open", window: 1, failuresInRow: 0 },
    sinceMs: state.phase === "probing" ? state.sinceMs : nowMs,
    notBeforeMs: Math.max(state.notBeforeMs, asked, nowMs + spreadMs),
    round: newRound(nowMs),
  };
}

function flowing(
  before: AdmissionState,
  limits: AdmissionLimits,
  end: CallEnd,
  moment: Moment,
): AdmissionState {
  const { nowMs } = moment;
  let state: AdmissionState = { ...before, round: withSample(before.round, end, nowMs) };
  const least = state.phase === "ramping" ? failuresMaxRamping : failuresMax;
  // Failures are quick and successes slow: of many in flight some in a row are chance.
  const enough = Math.max(least, inFlightAllowed(state, moment.share) * failuresShare);
  if (state.failuresInRow >= enough) return opened(state, end, moment);
  if (end.outcome === "throttled") state = cutByThrottle(state, moment);
  if (end.retryAfterMs !== undefined && end.outcome !== "good") {
    const askedMs = Math.min(retryAfterMsMax, end.retryAfterMs) * (1 + 0.1 * moment.random);
    state = { ...state, notBeforeMs: Math.max(state.notBeforeMs, nowMs + askedMs) };
  }
  const { round } = state;
  const samples = round.good + round.bad + round.throttled;
  const ageMs = nowMs - round.startedMs;
  const full = samples >= 2 * state.window * moment.share && ageMs >= roundMsMin;
  return ageMs >= roundMs || full ? move(state, limits, moment) : state;
}

function withSample(round: Round, end: CallEnd, nowMs: number): Round {
  if (end.outcome === "throttled") return { ...round, throttled: round.throttled + 1 };
  if (end.outcome !== "good") return { ...round, bad: round.bad + 1 };
  if (end.isRefusal) return { ...round, good: round.good + 1 };
  const sum = round.latencies[end.operation] ?? { count: 0, sumMs: 0 };
  const next = { count: sum.count + 1, sumMs: sum.sumMs + Math.max(0, nowMs - end.startedMs) };
  return {
    ...round,
    good: round.good + 1,
    latencies: { ...round.latencies, [end.operation]: next },
  };
}
