import { gradientOf, isGentleAt, learned } from "./latency.js";
import {
  type AdmissionLimits,
  type AdmissionState,
  type Moment,
  newRound,
  type Round,
} from "./model.js";

/** A share of faults up to this is a healthy cloud's everyday life. */
const badShareMax = 0.1;
/** A round with fewer answers than this moves the allowance less. */
const samplesFull = 8;
/** One or two faults in a quiet hour move no rate: in a row they open the circuit. */
const samplesMin = 4;
const throttleFactor = 0.85;
/** No round is shorter. */
export const roundMsMin = 250;
/** All of a burst's 429s are one cut. */
export const cutEveryMs = 1_000;
const perSecondMin = 0.2;
/** The rate after an outage begins with so many. */
export const rampPerSecond = 2;
/** In a second. */
const rampFactor = 1.35;
/** After an outage no allowance is more than so many times what was used of it. */
const provenFactor = 2;
/** A rate of which a larger share is used holds calls back. */
const bindsShare = 0.75;
const rampMsMin = 5_000;
/** After a cut the rate first feels its way back. */
const carefulMs = 30_000;
const carefulGrowth = 0.05;
/** A rate that no window ever reaches is none. */
const freePerSecond = 1_000;
/** After so long without a fault nothing that was learned from one holds any more. */
const forgetMs = 10 * 60_000;
const perSecondStep = 0.5;
const gentleQueue = 0.25;

/** Ends the round: the allowance grows when it went well, and shrinks when it did not (B9.4). */
export function move(
  state: AdmissionState,
  limits: AdmissionLimits,
  moment: Moment,
): AdmissionState {
  const { round } = state;
  const { nowMs } = moment;
  const samples = round.good + round.bad;
  const badShare = samples === 0 ? 0 : round.bad / samples;
  const isBad = badShare > badShareMax;
  const trust = Math.min(1, samples / samplesFull);
  const isGentle = isGentleAt(state, nowMs);
  const health = {
    isGentle,
    throttled: round.throttled > 0,
    isFew: samples < samplesMin,
    isBad,
    gradient: 1 - (1 - gradientOf(state, round, isGentle)) * trust,
    keep: 1 - badShare * trust,
    begunPerSecond: begunPerSecond(state, moment),
  };
  const allowance = {
    window: windowAfter(state, limits, health, moment),
    ...rateAfter(state, health, moment),
  };
  // Slow though nothing else was under way: that is a probe that says it is not over.
  const isDown = round.peak === 1 && state.window === 1 && health.gradient < 1;
  const moved = {
    ...state,
    ...allowance,
    ...(isGentle ? proven(allowance, state, health, moment) : {}),
    outageAtMs: isDown ? nowMs : state.outageAtMs,
    servedPerSecond: Math.max(servedIn(state, moment), state.servedPerSecond / 2),
    normalMs: learned(state, round, nowMs),
    round: newRound(nowMs),
  };
  const { perSecond } = state;
  const binds = perSecond !== undefined && health.begunPerSecond > bindsShare * perSecond;
  return settlePhase(forgiven(moved, limits, moment), binds, moment);
}

interface Health {
  readonly throttled: boolean;
  /** Others are not to feel that much has waited. */
  readonly isGentle: boolean;
  readonly isFew: boolean;
  readonly isBad: boolean;
  /** What latency lets stay of the window. */
  readonly gradient: number;
  /** What faults let stay. */
  readonly keep: number;
  /** What the whole colo began, by the round that is over. */
  readonly begunPerSecond: number;
}

function windowAfter(
  { window, phase, round }: AdmissionState,
  { inFlightMax }: AdmissionLimits,
  { isBad, isFew, isGentle, gradient, keep, throttled }: Health,
  { nowMs, share, random }: Moment,
): number {
  // Room that was not used says nothing: what shrinks is what was.
  const used = Math.max(1, Math.min(window, round.peak / share));
  if (isFew && (isBad || gradient < 1)) return Math.max(1, window * gradient);
  if (isBad) return Math.max(1, used * Math.min(gradient, keep));
  // Some queueing in the cloud keeps all of it busy; the share of it that others feel is small.
  const queued = Math.sqrt(used) * (isGentle ? gentleQueue : 1);
  if (gradient < 1) return Math.max(1, Math.min(window, used * gradient + queued));
  if (throttled) return window;
  if (phase === "closed" && used < window / 2) return window;
  const step = Math.sqrt(window) * stepOf(round, nowMs) * (0.8 + 0.4 * random);
  return Math.min(inFlightMax, window + step);
}

function rateAfter(
  state: AdmissionState,
  { isBad, isFew, gradient, keep, throttled, begunPerSecond: begun }: Health,
  { nowMs, random }: Moment,
): Pick<AdmissionState, "perSecond" | "cutAtMs"> {
  const { perSecond, cutAtMs, round, phase } = state;
  if (isBad) {
    if (isFew) return { perSecond, cutAtMs };
    if (nowMs - cutAtMs < cutEveryMs) return { perSecond, cutAtMs };
    const cut = Math.max(perSecondMin, Math.min(perSecond ?? begun, begun) * keep);
    return { perSecond: cut, cutAtMs: nowMs };
  }
  if (throttled || perSecond === undefined || gradient < 1) return { perSecond, cutAtMs };
  const binds = phase === "ramping" || begun >= perSecond / 2;
  if (!binds) return { perSecond, cutAtMs };
  const careful = phase === "closed" && nowMs - cutAtMs < carefulMs;
  const step = stepOf(round, nowMs) * (0.8 + 0.4 * random);
  const grown = careful
    ? perSecond + Math.max(perSecondStep, perSecond * carefulGrowth) * step
    : perSecond * (1 + (rampFactor - 1) * step);
  return { perSecond: grown >= freePerSecond ? undefined : grown, cutAtMs };
}

/**
 * An allowance that grew while little was asked says nothing of what the cloud bears, and what has
 * waited for the end of an outage comes in waves: each begins at twice what the last moments used
 * at most (as RFC 7661 has it for TCP), and at no more than that where latency already rises.
 */
function proven(
  { window, perSecond }: Pick<AdmissionState, "window" | "perSecond">,
  state: AdmissionState,
  { gradient, begunPerSecond: begun }: Health,
  moment: Moment,
): Pick<AdmissionState, "window" | "perSecond"> {
  const { inFlight, left, round } = state;
  const used = Math.max(round.peak, inFlight + left.length) / moment.share;
  const asked = Math.max(begun, servedIn(state, moment));
  const most = Math.max(rampPerSecond, gradient < 1 ? asked : provenFactor * asked);
  return {
    window: Math.min(window, provenFactor * Math.max(1, used)),
    perSecond: Math.min(perSecond ?? most, most),
  };
}

/** A 429: the rate falls below what the cloud has just served. */
export function cutByThrottle(state: AdmissionState, moment: Moment): AdmissionState {
  const { perSecond, cutAtMs, round } = state;
  const { nowMs, share } = moment;
  if (nowMs - cutAtMs < cutEveryMs) return state;
  // A burst's first moments say too little for more than what was seen in them.
  const begun = perSecondOf(round.begun, Math.max(1_000, nowMs - round.startedMs)) / share;
  // What is still under way may be served as well.
  const served = Math.max(servedIn(state, moment), state.servedPerSecond, begun / 2);
  const known = Math.min(perSecond ?? Number.POSITIVE_INFINITY, served);
  const cut = Math.max(perSecondMin, known * throttleFactor);
  return { ...state, perSecond: cut, cutAtMs: nowMs, tokens: Math.min(state.tokens, 1) };
}

function servedIn({ round }: AdmissionState, { nowMs, share }: Moment): number {
  return perSecondOf(round.good, Math.max(1_000, nowMs - round.startedMs)) / share;
}

function begunPerSecond({ round }: AdmissionState, { nowMs, share }: Moment): number {
  return perSecondOf(round.begun, Math.max(roundMsMin, nowMs - round.startedMs)) / share;
}

function perSecondOf(count: number, lastedMs: number): number {
  return (count * 1_000) / lastedMs;
}

/** Short rounds take short steps. */
function stepOf({ startedMs }: Round, nowMs: number): number {
  return Math.min(1, Math.max(0, nowMs - startedMs) / 1_000);
}

function forgiven(
  state: AdmissionState,
  { inFlightMax }: AdmissionLimits,
  { nowMs }: Moment,
): AdmissionState {
  const { lastFault, phase } = state;
  if (phase !== "closed" || state.perSecond === undefined) return state;
  if (isGentleAt(state, nowMs)) return state;
  if (lastFault && nowMs - lastFault.atMs < forgetMs) return state;
  return { ...state, perSecond: undefined, window: Math.max(state.window, inFlightMax / 2) };
}

/** The ramp is over once it is no longer the rate that holds calls back. */
function settlePhase(state: AdmissionState, binds: boolean, { nowMs }: Moment) {
  if (state.phase !== "ramping") return state;
  if (binds || nowMs - state.sinceMs < rampMsMin) return state;
  return { ...state, phase: "closed" as const, sinceMs: nowMs };
}
