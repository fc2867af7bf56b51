import type { Capacity, Condition } from "../../../src/drivers/cloud-simulated/index.js";

/** An outage to go through: a cloud falls ill while the groups in it alarm. */
export interface DrillPlan {
  /** The cloud that falls ill, which others share, and one that has nothing to do with it. */
  readonly sickCloud: Capacity;
  readonly soundCloud: Capacity;
  readonly pollMs: number;
  readonly groups: number;
  readonly soundGroups: number;
  readonly groupsPerAccount: number;
  /** Servers of a group before its alarm; what the alarm's policy adds; what ends the alarm. */
  readonly before: number;
  readonly step: number;
  readonly enough: number;
  /** From the start, time for the first servers. */
  readonly blipStartMs: number;
  readonly blipMs: number;
  /** After the blip. */
  readonly restMs: number;
  /** The alarms come so long into the blip, over so long a time, and while they stand again. */
  readonly alarmAfterMs: number;
  readonly alarmSpreadMs: number;
  readonly tellEveryMs: number;
  readonly lookEveryMs: number;
}

export const illness: Partial<Condition> = { workersShare: 0.1, errorShare: 0.3 };

/** 200 requests a second, of which the other tenants ask for 80 in good times. */
const large: Capacity = {
  workers: 40,
  serviceMs: 200,
  queueMax: 5_000,
  refuseWith: "temporary",
  tenants: { perSecond: 80, patienceMs: 8_000, retryMs: 2_000, attemptsMax: 2 },
};

export const full: DrillPlan = {
  sickCloud: large,
  soundCloud: withTenants(large, 20),
  pollMs: 2_000,
  ...{ groups: 500, soundGroups: 20, groupsPerAccount: 5 },
  ...{ before: 2, step: 2, enough: 6 },
  ...{ blipStartMs: 180_000, blipMs: 300_000, restMs: 420_000 },
  ...{ alarmAfterMs: 5_000, alarmSpreadMs: 10_000, tellEveryMs: 120_000, lookEveryMs: 5_000 },
};

/** 50 requests a second, of which the other tenants ask for 20 in good times. */
const small: Capacity = {
  workers: 10,
  serviceMs: 200,
  queueMax: 400,
  refuseWith: "temporary",
  tenants: { perSecond: 20, patienceMs: 4_000, retryMs: 1_000, attemptsMax: 2 },
};

/** A tenth of it, short enough for real time. Most of its calls are slow instead of failing. */
export const tenth: DrillPlan = {
  sickCloud: small,
  soundCloud: withTenants(small, 5),
  pollMs: 1_000,
  ...{ groups: 50, soundGroups: 5, groupsPerAccount: 2 },
  ...{ before: 1, step: 1, enough: 3 },
  ...{ blipStartMs: 45_000, blipMs: 25_000, restMs: 150_000 },
  ...{ alarmAfterMs: 2_000, alarmSpreadMs: 200, tellEveryMs: 30_000, lookEveryMs: 500 },
};

function withTenants(cloud: Capacity, perSecond: number): Capacity {
  return { ...cloud, tenants: { ...cloud.tenants!, perSecond } };
}
