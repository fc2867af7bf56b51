import type { ColoDrivers } from "../../src/app.js";
import type { ColoConfig } from "../../src/config.js";
import type { LaunchConfiguration } from "../../src/core/model/group.js";
import type { AccountId } from "../../src/core/model/ids.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSimulatedCloud } from "../../src/drivers/cloud-simulated/index.js";
import { createRandom } from "../../test/simulation/virtual-clock.js";

/** Where servers are made, by Muster and by others. */
export interface BenchCloud {
  readonly account: AccountId;
  readonly launch: LaunchConfiguration;
  /** Creates that a bare client has in flight at once. */
  readonly createsAtOnce: number;
  /** How often everybody looks at the servers. */
  readonly pollMs: number;
  /** What Muster is told of the cloud. */
  readonly colo: ColoConfig | ColoDrivers;
  /** The account's credentials; undefined where the cloud takes none. */
  readonly secret?: Readonly<Record<string, unknown>>;
  /** For a bare client, whose servers carry the installation's tags. */
  openDriver(): Promise<{ readonly driver: CloudDriver; readonly installation: string }>;
}

/** Somebody who scales one account's servers. */
export interface Scaler {
  /** From asking for so many in each group until they all serve, or are gone, and it is known; ms. */
  scale(serversEach: number): Promise<number>;
  close(): Promise<void>;
}

/** Longer than any of it takes. */
export const scaleMsMax = 900_000;

const simulated = {
  account: "bench" as AccountId,
  launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
  /** The colo's queue keeps two of its 32 slots for deletes. */
  createsAtOnce: 30,
  pollMs: 1_000,
} as const;

/** A healthy simulated cloud; the same seed makes the same servers in the same time. */
export function openSimulated(seed: number): BenchCloud {
  const cloud = createSimulatedCloud({
    ...{ clock: createSystemClock(), random: createRandom(seed), pageServersMax: 1_000 },
    latencyMs: { fromMs: 200, toMs: 400 },
    buildMs: { fromMs: 1_000, toMs: 5_000 },
  });
  const { pollMs } = simulated;
  return {
    ...simulated,
    colo: { cloud: cloud.openDriver(), pollMs },
    openDriver: async () => ({ driver: cloud.openDriver(), installation: "bare" }),
  };
}
