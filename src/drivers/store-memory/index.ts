import assert from "node:assert/strict";
import type { Clock } from "../../core/ports/clock.js";
import type { Commit, Store } from "../../core/ports/store.js";
import { type ColoLinks, createColoStores } from "./colos.js";
import { createStoreFaults, createStrikes, type StoreFaults } from "./faults.js";
import { createFeed } from "./feed.js";
import { createHints } from "./hints.js";
import { storeOf } from "./model.js";
import { createPartitions } from "./partitions.js";
import { createTravel } from "./travel.js";

export {
  createStoreFaults,
  healStoreFaults,
  type StoreFaultName,
  type StoreFaults,
} from "./faults.js";

export interface MemoryStoreOptions {
  /** Passes the latencies; a virtual one must be moved on for answers to come. */
  readonly clock: Clock;
  /** In [0, 1). One seed, one story. */
  readonly random: () => number;
  readonly faults?: StoreFaults;
  /** There and back, drawn anew for each operation. Default 1 to 4. */
  readonly latencyMsMin?: number;
  readonly latencyMsMax?: number;
  /** Streams of chance by label, so that one kind of draw moves no other. Default: all `random`. */
  readonly fork?: (label: string) => () => number;
  /** Told of every commit as it takes effect, heard of or not. */
  readonly onCommit?: (commit: Commit) => void;
}

/**
 * A model of what Cassandra keeps and what it does not: partitions are serial, each alone; hints
 * are written before their commit and stay when it is refused; replicas lag; answers get lost. For
 * tests and simulation: nothing survives the process.
 */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { fork, ...base } = baseOf(options);
  const partitions = createPartitions();
  return storeOf({
    ...base,
    partitionsFor: () => partitions,
    partitionNames: () => partitions.names(),
    hints: createHints(() => base.faults.hintsLagMs),
    feed: createFeed(fork("feed")),
  });
}

/**
 * The same over several colos, as the nodes of each see it: what one colo writes comes to the
 * others late, and while they are cut off from it not at all. The colos share their faults.
 */
export function createMemoryColoStores(
  options: MemoryStoreOptions & ColoLinks,
): ReadonlyMap<string, Store> {
  const { fork, ...base } = baseOf(options);
  const { colos, isCut, lagMs } = options;
  return createColoStores({
    ...base,
    ...{ colos, isCut, lagMs },
    createFeed: (colo) => createFeed(fork(`feed ${colo}`)),
  });
}

function baseOf(options: MemoryStoreOptions) {
  const faults = options.faults ?? createStoreFaults();
  const { clock, random, latencyMsMin = 1, latencyMsMax = 4, onCommit = () => {} } = options;
  assert(latencyMsMin >= 0 && latencyMsMax >= latencyMsMin);
  const fork = options.fork ?? (() => random);
  const strike = createStrikes(faults, fork);
  const latency = fork("latency");
  const travel = createTravel({ clock, latency, faults, strike, latencyMsMin, latencyMsMax });
  return { clock, faults, strike, travel, onCommit, fork };
}
