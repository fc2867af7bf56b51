import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import {
  createSimulatedCloud,
  type SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import { createRandom } from "../../test/simulation/virtual-clock.js";

/** What both sides keep to. */
export const limits = {
  /** Creates in flight at once: the colo's queue keeps two of its 32 slots for deletes. */
  createsAtOnce: 30,
  /** How often servers are looked at. */
  pollMs: 1_000,
} as const;

/** A healthy cloud; the same seed makes the same servers in the same time. */
export function openCloud(seed: number): SimulatedCloud {
  return createSimulatedCloud({
    ...{ clock: createSystemClock(), random: createRandom(seed), pageServersMax: 1_000 },
    latencyMs: { fromMs: 200, toMs: 400 },
    buildMs: { fromMs: 1_000, toMs: 5_000 },
  });
}
