import type { OutsideFault } from "../errors/outside-fault.js";

/**
 * What one answer says of the health of an API (B9.4). `good` is every answer of a healthy one, a
 * refusal for quota included; `dropped` was never sent, or its caller went away.
 */
export type CallOutcome = "good" | "throttled" | "failed" | "timedOut" | "dropped";

/**
 * `closed`: calls flow within the allowance. `open`: none does, till the next probe. `probing`: one
 * call is asked whether it is over. `ramping`: it seems so, and the allowance grows step by step.
 */
export type AdmissionPhase = "closed" | "open" | "probing" | "ramping";

/**
 * The admission controller of one API of one colo, as one node keeps it. `window` and `perSecond`
 * are meant for the whole colo: a node takes its share of them. Times are monotonic.
 */
export interface AdmissionState {
  readonly phase: AdmissionPhase;
  /** `open` and `probing` are one: since the calls were stopped. */
  readonly sinceMs: number;
  /** Calls in flight that the colo may have; grows and shrinks in fractions. */
  readonly window: number;
  /** Calls a second that the colo may begin; undefined: as many as the window lets through. */
  readonly perSecond: number | undefined;
  /** Calls that this node may begin at once, refilled by its share of `perSecond`. */
  readonly tokens: number;
  readonly tokensAtMs: number;
  readonly inFlight: number;
  /** Calls that were given up unanswered: the cloud goes on working on them for a while. */
  readonly left: readonly LeftCall[];
  readonly failuresInRow: number;
  readonly probesFailed: number;
  /** No call begins before: the next probe, or what Retry-After asked for. */
  readonly notBeforeMs: number;
  /** What the cloud has lately answered well, for the whole colo. */
  readonly servedPerSecond: number;
  /** When an outage last stood, by the slowness of the one call left, or ended, by a probe. */
  readonly outageAtMs: number;
  /** When the rate was last cut. */
  readonly cutAtMs: number;
  /** What good answers take, refusals apart, by operation; moves slowly upwards, quickly downwards. */
  readonly normalMs: Readonly<Record<string, number>>;
  readonly round: Round;
  readonly lastFault: LastFault | undefined;
}

export interface LeftCall {
  readonly atMs: number;
  readonly untilMs: number;
}

export interface LastFault {
  readonly atMs: number;
  readonly outcome: CallOutcome;
  readonly operation: string;
  readonly message: string;
}

/** What was seen since the allowance was last moved. */
export interface Round {
  readonly startedMs: number;
  readonly begun: number;
  readonly good: number;
  readonly bad: number;
  readonly throttled: number;
  /** Most calls that were at the cloud at once. */
  readonly peak: number;
  /** Good answers' latencies by operation; those of refusals are not among them. */
  readonly latencies: Readonly<Record<string, { readonly count: number; readonly sumMs: number }>>;
}

export interface AdmissionLimits {
  /** The window of a healthy colo. */
  readonly inFlightMax: number;
}

/** The moment of an event, this node's share of the colo, and chance for the jitter. */
export interface Moment {
  readonly nowMs: number;
  /** Leases held of all leases; in (0, 1]. */
  readonly share: number;
  /** In [0, 1). */
  readonly random: number;
}

export interface CallEnd {
  readonly operation: string;
  readonly outcome: CallOutcome;
  readonly startedMs: number;
  /** An answer without the work: it is good, and what it took says nothing of what work takes. */
  readonly isRefusal?: boolean;
  readonly retryAfterMs?: number;
  readonly message?: string;
}

/** How a fault bears on the API's health: refusals are answers of a healthy one (B4.8, B9.4). */
export function outcomeOf({ kind }: OutsideFault): CallOutcome {
  switch (kind) {
    case "throttled":
      return "throttled";
    case "temporary":
    case "unknown":
      return "failed";
    case "noCapacity":
    case "quota":
    case "badRequest":
    case "notFound":
    case "conflict":
    case "denied":
      return "good";
    default:
      return kind satisfies never;
  }
}

export function newRound(startedMs: number): Round {
  return { startedMs, begun: 0, good: 0, bad: 0, throttled: 0, peak: 0, latencies: {} };
}
