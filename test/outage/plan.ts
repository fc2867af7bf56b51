import type { Capacity } from "../../src/drivers/cloud-simulated/index.js";

/** The drill of the simulation, a tenth of its size, in real time. */

/** 50 requests a second, of which the other tenants ask for 20 in good times. */
export const sickCapacity: Capacity = {
  workers: 10,
  serviceMs: 200,
  queueMax: 400,
  refuseWith: "temporary",
  tenants: { perSecond: 20, patienceMs: 4_000, retryMs: 1_000, attemptsMax: 2 },
};
/** Of a cloud that has nothing to do with it. */
export const soundCapacity: Capacity = {
  ...sickCapacity,
  tenants: { ...sickCapacity.tenants!, perSecond: 5 },
};

export const groupCount = 50;
export const soundGroupCount = 5;
export const groupsPerAccount = 2;
/** Servers of a group before the alarm; what the alarm's policy adds; what ends the alarm. */
export const before = 1;
export const step = 1;
export const enough = 3;

/** Since the cloud was opened. */
export const blipStartMs = 45_000;
export const blipMs = 25_000;
export const restMs = 115_000;
export const alarmAfterMs = 2_000;
export const illness = { workersShare: 0.1, errorShare: 0.3 };
