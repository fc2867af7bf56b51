import type { Clock } from "../../core/ports/clock.js";
import { createRecent } from "../../supervisor/recent.js";

/** How many scale events each token may ask for at this node (B7.3). */
export interface Allowance {
  /** Takes so many, or none of them. Resolves to how long to wait; 0 when they were given. */
  take(tokenHash: string, events: number): number;
}

export interface AllowanceLimits {
  /** At once, after a while of silence. */
  readonly burstMax: number;
  readonly perSecond: number;
}

/** Of the senders that were not heard of for longest the allowance is full again, or nearly so. */
const tokensMax = 10_000;

export function createAllowance(clock: Clock, limits: AllowanceLimits): Allowance {
  const { burstMax, perSecond } = limits;
  const left = createRecent<string, { readonly events: number; readonly atMs: number }>(tokensMax);
  return {
    take(tokenHash, events) {
      const atMs = clock.monotonicMs();
      const before = left.get(tokenHash) ?? { events: burstMax, atMs };
      const grown = before.events + ((atMs - before.atMs) / 1_000) * perSecond;
      const now = Math.min(burstMax, grown);
      const isGiven = now >= events;
      left.set(tokenHash, { events: isGiven ? now - events : now, atMs });
      return isGiven ? 0 : ((events - now) / perSecond) * 1_000;
    },
  };
}
