import type { AdmissionState, Round } from "./model.js";

/** What is taken longer than this share of normal, and the slack, is queueing in the cloud. */
const tolerance = 2;
/** Our own pauses and a network's are no sign of a cloud's trouble. */
const slackMs = 100;
/** After an outage much has waited: it is let go no faster than the cloud's others hardly feel. */
const toleranceGentle = 1.2;
const slackMsGentle = 30;
const gentleForMs = 10 * 60_000;
const slowProbeFactor = 2;
const fallWeight = 0.2;
const riseMs = 5 * 60_000;
/** A cloud that is slower for good is taken for normal in the end, but no outage is. */
const riseMsSlow = 60 * 60_000;
const roundMsMax = 10_000;
const gradientMin = 0.25;

/** An outage stands, or has lately ended and what waited for that is under way. */
export function isGentleAt({ outageAtMs }: AdmissionState, nowMs: number): boolean {
  return nowMs - outageAtMs < gentleForMs;
}

/** How the round's latencies compare with normal: 1 is good, less is the share of it to keep. */
export function gradientOf({ normalMs }: AdmissionState, round: Round, isGentle: boolean): number {
  const allowed = isGentle ? gentlyAllowedMs : allowedMs;
  let score = 0;
  let count = 0;
  for (const [operation, seen] of Object.entries(round.latencies)) {
    const meanMs = seen.sumMs / seen.count;
    score += (meanMs / allowed(normalMs[operation] ?? meanMs)) * seen.count;
    count += seen.count;
  }
  if (count === 0) return 1;
  return Math.min(1, Math.max(gradientMin, count / Math.max(score, 1e-9)));
}

/** The answer says that the cloud still has a queue inside. */
export function isSlowProbe(state: AdmissionState, operation: string, latencyMs: number): boolean {
  const normalMs = state.normalMs[operation];
  return normalMs !== undefined && latencyMs > slowProbeFactor * allowedMs(normalMs);
}

/** Normal latencies after a round. */
export function learned(
  { normalMs }: AdmissionState,
  round: Round,
  nowMs: number,
): AdmissionState["normalMs"] {
  const lastedMs = Math.min(roundMsMax, nowMs - round.startedMs);
  const next: Record<string, number> = { ...normalMs };
  for (const [operation, seen] of Object.entries(round.latencies)) {
    const meanMs = seen.sumMs / seen.count;
    const knownMs = normalMs[operation];
    if (knownMs === undefined) next[operation] = meanMs;
    else if (meanMs < knownMs) next[operation] = knownMs + fallWeight * (meanMs - knownMs);
    else {
      const scaleMs = meanMs <= allowedMs(knownMs) ? riseMs : riseMsSlow;
      next[operation] = knownMs + (1 - Math.exp(-lastedMs / scaleMs)) * (meanMs - knownMs);
    }
  }
  return next;
}

function allowedMs(normalMs: number): number {
  return tolerance * normalMs + slackMs;
}

function gentlyAllowedMs(normalMs: number): number {
  return toleranceGentle * normalMs + slackMsGentle;
}
