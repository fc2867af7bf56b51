import assert from "node:assert/strict";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import { type Commit, type Committed, partitionText, type Store } from "../../core/ports/store.js";
import { commitUnknown } from "../store-rules/aborted.js";
import { checkCommit, checkHints } from "../store-rules/check-commit.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import { createStoreFaults, createStrikes, type StoreFaults, type Strike } from "./faults.js";
import { createFeed, type Feed } from "./feed.js";
import { createHints, type Hints } from "./hints.js";
import { createPartitions, type Partitions } from "./partitions.js";
import { createTravel, type Travel } from "./travel.js";

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
  const faults = options.faults ?? createStoreFaults();
  const { clock, random, latencyMsMin = 1, latencyMsMax = 4 } = options;
  assert(latencyMsMin >= 0 && latencyMsMax >= latencyMsMin);
  const fork = options.fork ?? (() => random);
  const strike = createStrikes(faults, fork);
  const latency = fork("latency");
  const travel = createTravel({ clock, latency, faults, strike, latencyMsMin, latencyMsMax });
  const model: Model = {
    clock,
    faults,
    strike,
    travel,
    partitions: createPartitions(),
    hints: createHints(() => faults.hintsLagMs),
    feed: createFeed(fork("feed")),
    onCommit: options.onCommit ?? (() => {}),
  };
  return {
    ...partitionMethods(model),
    ...feedMethods(model),
    ...hintMethods(model),
    async close() {
      travel.close();
    },
  };
}

interface Model {
  readonly clock: Clock;
  readonly faults: StoreFaults;
  readonly strike: Strike;
  readonly travel: Travel;
  readonly partitions: Partitions;
  readonly hints: Hints;
  readonly feed: Feed;
  readonly onCommit: (commit: Commit) => void;
}

function partitionMethods(model: Model): Pick<Store, "load" | "read" | "commit" | "wasCommitted"> {
  const { partitions, travel, clock } = model;
  return {
    async load(id, kinds, call) {
      return travel.look(call, () => partitions.load(partitionText(id), kinds, clock.nowMs()));
    },
    async read(id, keys, call) {
      assert(keys.length <= pageLimits.keysMax, `${keys.length} rows cannot be read at once`);
      return travel.look(call, () => partitions.read(partitionText(id), keys, clock.nowMs()));
    },
    async commit(commit, call) {
      return commitTo(model, commit, call);
    },
    async wasCommitted(id, commitId, call) {
      return travel.look(call, () => partitions.wasCommitted(partitionText(id), commitId));
    },
  };
}

/** Two trips, as there: the hints, then the conditional batch. Others may come in between. */
function commitTo(model: Model, commit: Commit, call: Call): Promise<Committed> {
  const { partitions, feed, hints, travel, clock, strike, onCommit } = model;
  const { partition, eventTexts } = checkCommit(commit);
  const copy: Commit = { ...commit, puts: commit.puts.map((row) => ({ ...row })) };
  const unknown = (cause: unknown) => commitUnknown(partition, cause);
  const effect = async (): Promise<Committed> => {
    if (copy.hints.length > 0) {
      for (const hint of copy.hints) hints.put(hint, clock.monotonicMs());
      await travel.hop();
    }
    if (strike("lostBeforeCommit")) throw unknown("lost on its way");
    const revision = partitions.commit(partition, copy);
    feed.append(partition, eventTexts, copy.events.at(-1)?.sequence ?? 0);
    onCommit(copy);
    if (strike("lostAfterCommit")) throw unknown("its answer was lost");
    return { revision };
  };
  return travel.go(call, effect, unknown);
}

type FeedMethod = "readFeed" | "feedHead" | "trimFeed" | "otherFeeds";

function feedMethods(model: Model): Pick<Store, FeedMethod> {
  const { feed, travel, strike } = model;
  const isLate = () => strike("feedLate");
  return {
    async readFeed(after, entriesMax, call) {
      const max = boundPage(entriesMax, pageLimits.entriesMax);
      return travel.look(call, () => feed.read(after, max, isLate));
    },
    async feedHead(call) {
      return travel.look(call, () => feed.head());
    },
    async trimFeed({ olderThanMs, before }, call) {
      return travel.go(call, () => feed.trim(olderThanMs, before));
    },
    otherFeeds: async () => new Map(),
  };
}

function hintMethods(model: Model): Pick<Store, "putHints" | "deleteHints" | "listHints"> {
  const { hints, travel, clock, faults, strike } = model;
  return {
    async putHints(added, call) {
      checkHints(added);
      return travel.go(call, () => {
        for (const hint of added) hints.put(hint, clock.monotonicMs());
      });
    },
    async deleteHints(removed, call) {
      checkHints(removed);
      return travel.go(call, () => {
        for (const hint of removed) hints.delete(hint, clock.monotonicMs());
      });
    },
    async listHints(page, call) {
      const hintsMax = boundPage(page.hintsMax, pageLimits.hintsMax);
      return travel.look(call, () => {
        const lagMs = strike("hintsStale") ? faults.hintsLagMs : 0;
        return hints.list({ ...page, hintsMax }, clock.monotonicMs() - lagMs);
      });
    },
  };
}
