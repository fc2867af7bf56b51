import { hashText } from "../model/hash.js";
import type { BuildBackoff } from "../model/placement.js";

const firstDelayMs = 30_000;
const delayMsMax = 30 * 60_000;
/** Share of the delay that is spread, so that groups that failed together don't return together. */
const jitterShare = 0.2;

/**
 * The backoff after builds failed (B4.6). A wave of failures counts once: those that arrive while
 * the delay of the last one runs say nothing new.
 *
 * @param salt spreads the jitter; the same salt gives the same delay.
 */
export function afterFailure(
  before: BuildBackoff | undefined,
  failure: { readonly nowMs: number; readonly reason: string; readonly salt: string },
): BuildBackoff {
  const { nowMs, reason, salt } = failure;
  if (before && nowMs < before.retryAtMs) {
    return before.reason === reason ? before : { ...before, reason };
  }
  const failures = (before?.failures ?? 0) + 1;
  const delayMs = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures - 1, 10));
  const jitterMs = Math.round(delayMs * jitterShare * (hashText(`${salt}/${failures}`) / 2 ** 32));
  return { failures, retryAtMs: nowMs + delayMs - jitterMs, reason };
}
