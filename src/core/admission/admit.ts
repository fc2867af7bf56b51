import { type AdmissionLimits, type AdmissionState, type Moment, newRound } from "./model.js";

/** A controller of a colo of which nothing is known yet: it is taken to be healthy. */
export function createAdmissionState(limits: AdmissionLimits, nowMs: number): AdmissionState {
  return {
    phase: "closed",
    sinceMs: nowMs,
    window: limits.inFlightMax,
    perSecond: undefined,
    tokens: 1,
    tokensAtMs: nowMs,
    inFlight: 0,
    left: [],
    failuresInRow: 0,
    probesFailed: 0,
    notBeforeMs: Number.NEGATIVE_INFINITY,
    servedPerSecond: 0,
    outageAtMs: Number.NEGATIVE_INFINITY,
    cutAtMs: Number.NEGATIVE_INFINITY,
    normalMs: {},
    round: newRound(nowMs),
    lastFault: undefined,
  };
}

/** Whether one more call may begin now. `untilMs`: not before; undefined: not before an answer. */
export type Admitted =
  | { readonly kind: "begin"; readonly state: AdmissionState }
  | { readonly kind: "wait"; readonly untilMs: number | undefined };

/**
 * Lets one call begin, or says what it waits for (B9.4). Never more are in flight than the
 * allowance; an open circuit lets one probe through at a time.
 */
export function admit(before: AdmissionState, moment: Moment): Admitted {
  const { nowMs } = moment;
  const state = refilled(before, moment);
  if (nowMs < state.notBeforeMs) return { kind: "wait", untilMs: state.notBeforeMs };
  if (state.phase === "open" || state.phase === "probing") {
    // What is still on its way from before counts: a probe is alone.
    if (state.inFlight > 0) return { kind: "wait", untilMs: undefined };
    return { kind: "begin", state: begun({ ...state, phase: "probing" }, nowMs) };
  }
  const atCloud = state.inFlight + state.left.length;
  if (atCloud >= inFlightAllowed(state, moment.share))
    return { kind: "wait", untilMs: earliest(state) };
  const perSecond = rateOf(state, moment.share);
  if (perSecond === undefined) return { kind: "begin", state: begun(state, nowMs) };
  if (state.tokens < 1) {
    const waitMs = Math.ceil(((1 - state.tokens) / perSecond) * 1_000);
    return { kind: "wait", untilMs: nowMs + Math.max(1, waitMs) };
  }
  return { kind: "begin", state: begun({ ...state, tokens: state.tokens - 1 }, nowMs) };
}

/** Calls that this node may have in flight: its share of the window, but one at least. */
export function inFlightAllowed({ phase, window }: AdmissionState, share: number): number {
  if (phase === "open" || phase === "probing") return 1;
  return Math.max(1, Math.floor(window * share + epsilon));
}

/** This node's share of the rate. */
export function rateOf({ perSecond }: AdmissionState, share: number): number | undefined {
  return perSecond === undefined ? undefined : perSecond * share;
}

/** About how many calls could begin within the time; none while the circuit is open. */
export function startable(state: AdmissionState, moment: Moment, withinMs: number): number {
  if (state.phase === "open" || state.phase === "probing") return 0;
  const allowed = inFlightAllowed(state, moment.share);
  const perSecond = rateOf(state, moment.share);
  if (perSecond === undefined) return allowed * wavesMax;
  return Math.max(1, Math.min(allowed * wavesMax, Math.ceil((perSecond * withinMs) / 1_000)));
}

/** Waves of what is in flight at once that may be asked for ahead: no slot waits for a turn. */
const wavesMax = 8;
const epsilon = 1e-9;
/** The bucket holds so much of a second: calls are spread, not sent in heaps. */
const burstShare = 0.25;

export function burstOf(perSecond: number): number {
  return Math.max(1, perSecond * burstShare);
}

function refilled(state: AdmissionState, { nowMs, share }: Moment): AdmissionState {
  const left = state.left.some((one) => one.untilMs <= nowMs)
    ? state.left.filter((one) => one.untilMs > nowMs)
    : state.left;
  const perSecond = rateOf(state, share);
  if (perSecond === undefined) return left === state.left ? state : { ...state, left };
  const gained = (Math.max(0, nowMs - state.tokensAtMs) / 1_000) * perSecond;
  const tokens = Math.min(burstOf(perSecond), state.tokens + gained);
  return { ...state, left, tokens, tokensAtMs: nowMs };
}

function begun(state: AdmissionState, nowMs: number): AdmissionState {
  const inFlight = state.inFlight + 1;
  const peak = Math.max(state.round.peak, inFlight + state.left.length);
  // Rest is no part of a round: rates are of the time in which something was asked.
  const startedMs = state.round.begun === 0 && inFlight === 1 ? nowMs : state.round.startedMs;
  const round = { ...state.round, startedMs, begun: state.round.begun + 1, peak };
  return { ...state, inFlight, round };
}

function earliest({ left }: AdmissionState): number | undefined {
  return left.length === 0 ? undefined : Math.min(...left.map((one) => one.untilMs));
}
