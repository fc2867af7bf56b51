import type { Second } from "../../../src/drivers/cloud-simulated/index.js";

/** What the other tenants of a cloud call normal, and when it came back. */

/** Of ten seconds, so that one unlucky request is no outage. */
const windowSeconds = 10;
/** Share of the attempts that may be lost. */
const lostShareMax = 0.01;
/** Mean latency, as a multiple of what it was before. */
const latencyFactor = 1.5;

/** From the end of the blip until latency and errors are normal for good; ms. */
export function recoveryMs(
  seconds: readonly Second[],
  { blipStartMs, blipEndMs }: { readonly blipStartMs: number; readonly blipEndMs: number },
): number {
  const before = seconds.filter((one) => one.atMs < blipStartMs && one.atMs >= blipStartMs / 2);
  const normalMs = meanLatencyMs(before);
  const isWell = (index: number) => {
    const window = seconds.slice(Math.max(0, index + 1 - windowSeconds), index + 1);
    const lost = sum(window.map((one) => one.tenants.lost));
    const asked = lost + sum(window.map((one) => one.tenants.answered));
    if (asked === 0) return true;
    return lost <= lostShareMax * asked && meanLatencyMs(window) <= latencyFactor * normalMs;
  };
  const lastIll = seconds.findLastIndex((one, index) => one.atMs >= blipEndMs && !isWell(index));
  return lastIll < 0 ? 0 : seconds[lastIll]!.atMs + 1_000 - blipEndMs;
}

export function meanLatencyMs(seconds: readonly Second[]): number {
  const answered = sum(seconds.map((one) => one.tenants.answered));
  return answered === 0
    ? Number.POSITIVE_INFINITY
    : sum(seconds.map((one) => one.tenants.latencyMsSum)) / answered;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
