import assert from "node:assert/strict";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import {
  type Commit,
  type Committed,
  type NamePage,
  type NamesAsked,
  type PartitionId,
  partitionText,
  type ReadCall,
  type Store,
} from "../../core/ports/store.js";
import { commitUnknown } from "../store-rules/aborted.js";
import { checkCommit, checkHints } from "../store-rules/check-commit.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import { compareText } from "../store-rules/text-order.js";
import type { StoreFaults, Strike } from "./faults.js";
import type { Feed } from "./feed.js";
import type { Hints } from "./hints.js";
import type { Partitions } from "./partitions.js";
import type { Travel } from "./travel.js";

/** What a store of this kind is made of, as those see it who open it. */
export interface Model {
  readonly clock: Clock;
  readonly faults: StoreFaults;
  readonly strike: Strike;
  readonly travel: Travel;
  /** Where the partition is served that way. @throws Fault `STORE_UNAVAILABLE` */
  readonly partitionsFor: (id: PartitionId, from: ReadCall["from"]) => Partitions;
  readonly partitionNames: () => Iterable<string>;
  readonly hints: Hints;
  readonly feed: Feed;
  /** Told of every commit as it takes effect, heard of or not. */
  readonly onCommit: (commit: Commit) => void;
}

export function storeOf(model: Model): Store {
  return {
    ...partitionMethods(model),
    ...feedMethods(model),
    ...hintMethods(model),
    listNames: (asked, call) => listNames(model, asked, call),
    async close() {
      model.travel.close();
    },
  };
}

function partitionMethods(model: Model): Pick<Store, "load" | "read" | "commit" | "wasCommitted"> {
  const { partitionsFor, travel, clock } = model;
  return {
    async load(id, kinds, call) {
      return travel.look(call, () =>
        partitionsFor(id, call.from).load(partitionText(id), kinds, clock.nowMs()),
      );
    },
    async read(id, keys, call) {
      assert(keys.length <= pageLimits.keysMax, `${keys.length} rows cannot be read at once`);
      return travel.look(call, () =>
        partitionsFor(id, call.from).read(partitionText(id), keys, clock.nowMs()),
      );
    },
    async commit(commit, call) {
      return commitTo(model, commit, call);
    },
    async wasCommitted(id, commitId, call) {
      return travel.look(call, () =>
        partitionsFor(id, undefined).wasCommitted(partitionText(id), commitId),
      );
    },
  };
}

/** Two trips, as there: the hints, then the conditional batch. Others may come in between. */
function commitTo(model: Model, commit: Commit, call: Call): Promise<Committed> {
  const { partitionsFor, feed, hints, travel, clock, strike, onCommit } = model;
  const { partition, eventTexts } = checkCommit(commit);
  const copy: Commit = { ...commit, puts: commit.puts.map((row) => ({ ...row })) };
  const unknown = (cause: unknown) => commitUnknown(partition, cause);
  const effect = async (): Promise<Committed> => {
    if (copy.hints.length > 0) {
      for (const hint of copy.hints) hints.put(hint, clock.monotonicMs());
      await travel.hop();
    }
    if (strike("lostBeforeCommit")) throw unknown("lost on its way");
    const revision = partitionsFor(copy.partition, undefined).commit(partition, copy);
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

function listNames(model: Model, asked: NamesAsked, call: Call): Promise<NamePage> {
  const namesMax = boundPage(asked.namesMax, pageLimits.namesMax);
  return model.travel.look(call, () => {
    const all = asked.of === "partitions" ? model.partitionNames() : model.hints.indexes();
    const behind = [...all].filter((name) => compareText(name, asked.after) > 0).sort(compareText);
    const names = behind.slice(0, namesMax);
    return { names, next: behind.length > namesMax ? names.at(-1) : undefined };
  });
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
