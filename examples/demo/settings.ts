/**
 * What the demo plays with. Latency follows from arithmetic, not from how fast the machine is:
 * users send their next request when the last one was answered, so a server with `n` of them
 * answers after `n / slots * serviceMs`. 48 users on 2 servers wait 1,200 ms, on 4 600 ms, on 8 300
 * ms.
 */
export const webServer = { slots: 2, serviceMs: 100 } as const;

export const users = { calm: 2, loaded: 48 } as const;

/** A user's connection lives about so long, so that users spread evenly over new servers. */
export const connectionMs = 1_500;

export const group = {
  account: "demo",
  id: "web",
  colo: "local",
  loadBalancer: "web",
  min: 2,
  max: 10,
  drainMs: 3_000,
} as const;

/** Doubles while requests take too long; while they are fast gives three of four servers back. */
export const policies = {
  out: { id: "out", percent: 100, cooldownMs: 5_000, repeatMs: 30_000 },
  in: { id: "in", percent: -75, cooldownMs: 5_000, holdMs: 3_000 },
} as const;

/** What the team that owns the group considers too slow, and a waste. */
export const thresholds = { slowMs: 500, fastMs: 200 } as const;

export const measure = {
  /** p95 is that of so many last milliseconds. */
  windowMs: 2_000,
  /** How often the monitor looks, and the picture is drawn. */
  periodMs: 1_000,
  /** A monitor repeats itself, so that Muster knows that it lives. */
  refreshMs: 5_000,
} as const;

export const chapters = {
  calmMs: 6_000,
  /** After the alert has ended: until the last slow answers are out of the window. */
  settleMs: 1_500,
  scaledMs: 6_000,
} as const;

/** Beyond these the demo gives up, says so, and cleans up. */
export const patience = {
  startMs: 30_000,
  scaleOutMs: 45_000,
  alertEndsMs: 120_000,
  scaleInMs: 60_000,
  goneMs: 45_000,
} as const;
