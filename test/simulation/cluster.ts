import { setMaxListeners } from "node:events";
import type { ColoId, LoadBalancerId, NodeId } from "../../src/core/model/ids.js";
import type { Clock, Ids } from "../../src/core/ports/clock.js";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Log } from "../../src/core/ports/log.js";
import type { Meter } from "../../src/core/ports/meter.js";
import type { Store } from "../../src/core/ports/store.js";
import type { SwitchFile } from "../../src/core/ports/switch-file.js";
import {
  createSimulatedCloud,
  type SimulatedCloud,
} from "../../src/drivers/cloud-simulated/index.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import {
  createSimulatedLoadBalancers,
  type SimulatedLoadBalancers,
} from "../../src/drivers/lb-simulated/simulated-load-balancers.js";
import {
  createMemoryStore,
  createStoreFaults,
  healStoreFaults,
  type StoreFaults,
} from "../../src/drivers/store-memory/index.js";
import type { Supervisor } from "../../src/supervisor/api.js";
import { type ColoQueueLimits, defaultQueueLimits } from "../../src/supervisor/colo/colo-queue.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { defaultRetention } from "../../src/supervisor/events/journaler.js";
import { createSupervisor } from "../../src/supervisor/supervisor.js";
import { createWires, type Wires } from "../supervisor/ports.js";
import { createTaps, type Taps, tappedBalancer, tappedCloud } from "./taps.js";
import { createSkewedClock, type VirtualClock } from "./virtual-clock.js";

/** Everything around the nodes, and the nodes: what all worlds on a virtual clock are made of. */
export interface Cluster {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly storeFaults: StoreFaults;
  readonly journal: Journal;
  readonly clouds: ReadonlyMap<string, SimulatedCloud>;
  readonly balancers: ReadonlyMap<string, SimulatedLoadBalancers>;
  readonly taps: Taps;
  readonly warnings: string[];
  /** A node that has not been started yet. */
  create(name: string, setup?: NodeSetup): Node;
  /** Ends all faults of store, clouds and load balancers. */
  heal(): void;
}

export interface Node {
  readonly name: string;
  readonly supervisor: Supervisor;
  readonly wires: Wires;
  /** Those to the store alone. */
  readonly storeWires: Wires;
}

export interface NodeSetup {
  readonly skew?: { readonly wallMs: number; readonly driftPpm: number };
  readonly ids?: Ids;
  readonly meter?: Meter;
  readonly switchFile?: SwitchFile;
}

export interface ClusterOptions {
  readonly clock: VirtualClock;
  readonly ids: Ids;
  /** Asked once for each part's seed. */
  readonly random: () => number;
  readonly balancerIds: Ids;
  readonly store?: Partial<Parameters<typeof createMemoryStore>[0]>;
  readonly colos: readonly ColoOptions[];
  /** Of each colo's placements, a lease each. */
  readonly shards?: number;
  /** Puts a bug between nodes and clouds, to see it found. */
  readonly sabotage?: (driver: CloudDriver) => CloudDriver;
  readonly onLog?: (level: "info" | "warn" | "error", message: string, fields: unknown) => void;
}

export interface ColoOptions {
  readonly id: string;
  readonly cloud?: Partial<Parameters<typeof createSimulatedCloud>[0]>;
  readonly balancers?: Partial<Parameters<typeof createSimulatedLoadBalancers>[0]>;
  readonly queue?: Partial<ColoQueueLimits>;
  readonly pollMs?: number;
  readonly admission?: "off";
}

export const installation = "test";

export function createCluster(options: ClusterOptions): Cluster {
  const { clock, ids, random, sabotage = (driver) => driver } = options;
  const taps = createTaps();
  const storeFaults = createStoreFaults();
  const onCommit = taps.tell.committed;
  const store = createMemoryStore({
    ...{ clock, random, faults: storeFaults, onCommit },
    ...options.store,
  });
  const journal = createMemoryJournal();
  const warnings: string[] = [];
  const log = createTestLog(warnings, options.onLog);
  const clouds = new Map(
    options.colos.map(({ id, cloud }) => {
      const onEffect: NonNullable<Parameters<typeof createSimulatedCloud>[0]["onEffect"]> = (
        effect,
      ) => taps.tell.done(id, effect);
      return [id, createSimulatedCloud({ ...cloud, clock, random, onEffect })];
    }),
  );
  const balancers = new Map(
    options.colos.map(({ id, balancers: own }) => [
      id,
      createSimulatedLoadBalancers({
        ...{ clock, ids: options.balancerIds, loadBalancers: ["lb-1" as LoadBalancerId] },
        ...own,
      }),
    ]),
  );

  return {
    ...{ clock, store, storeFaults, journal, clouds, balancers, taps, warnings },
    create(name, setup = {}) {
      const wires = createWires();
      const storeWires = createWires();
      const watch: Clock = setup.skew ? createSkewedClock(clock, setup.skew) : clock;
      const supervisor = createSupervisor({
        installation,
        node: name as NodeId,
        store: wires.through(storeWires.through(store)),
        journal: wires.through(journal),
        clock: wires.through(watch),
        ids: setup.ids ?? ids,
        log,
        colos: options.colos.map(({ id, queue, pollMs = 1_000, admission }) => ({
          id: id as ColoId,
          cloud: wires.through(
            sabotage(tappedCloud(clouds.get(id)!.openDriver(), { name, colo: id, taps })),
          ),
          cloudName: "simulated",
          loadBalancer: wires.through(
            tappedBalancer(balancers.get(id)!.openDriver(), { name, colo: id, taps }),
          ),
          loadBalancerName: "simulated",
          pollMs,
          queue: { ...defaultQueueLimits, ...queue },
          ...(admission === undefined ? {} : { admission }),
        })),
        leaseTimes: { ...defaultLeaseTimes, shards: options.shards ?? defaultLeaseTimes.shards },
        retention: defaultRetention,
        ...(setup.meter ? { meter: setup.meter } : {}),
        ...(setup.switchFile ? { switchFile: setup.switchFile } : {}),
      });
      return { name, supervisor, wires, storeWires };
    },
    heal() {
      healStoreFaults(storeFaults);
      for (const one of clouds.values()) one.heal();
      for (const one of balancers.values()) one.heal();
    },
  };
}

function createTestLog(warnings: string[], onLog: ClusterOptions["onLog"]): Log {
  const say = (level: "warn" | "error") => (fields: unknown, message: string) => {
    if (warnings.length < warningsMax) warnings.push(`${message} ${JSON.stringify(fields)}`);
    onLog?.(level, message, fields);
  };
  return {
    debug: () => {},
    info: (fields, message) => onLog?.("info", message, fields),
    warn: say("warn"),
    error: say("error"),
  };
}

const warningsMax = 10_000;

/** A signal of a caller that never gives up. */
export function patient(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}
