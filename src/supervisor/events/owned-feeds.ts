import type { ColoId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { FeedEntry, OtherFeed, Store } from "../../core/ports/store.js";
import { withDeadline } from "../deadline.js";
import type { Elsewhere } from "../peers/ask-peer.js";
import { createRecent } from "../recent.js";

/**
 * Other colos' feeds, with their owners behind them: where nothing more arrives for a while, a node
 * of the owning colo is asked whether there is more. So a copy that has lost an entry for good, or
 * whose replication stands still, holds a stream up for seconds and never makes it skip one.
 */
export function askOwners(deps: {
  readonly store: Pick<Store, "otherFeeds">;
  readonly elsewhere: Elsewhere;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Pick<Store, "otherFeeds"> {
  const owned = new Map<OtherFeed, OtherFeed>();
  return {
    async otherFeeds(call) {
      const feeds = new Map<ColoId, OtherFeed>();
      for (const [colo, feed] of await deps.store.otherFeeds(call)) {
        const one = owned.get(feed) ?? askOwner({ ...deps, colo, feed });
        owned.set(feed, one);
        feeds.set(colo, one);
      }
      return feeds;
    },
  };
}

/** What is only late arrives within that, as a rule. */
const patienceMs = 3_000;
const askMsMax = 5_000;
const entriesMax = 500;
/** Readers that wait at different places, of whom each place is known. */
const placesMax = 100;

interface Told {
  readonly after: string;
  readonly entries: readonly FeedEntry[];
}

function askOwner(deps: {
  readonly colo: ColoId;
  readonly feed: OtherFeed;
  readonly elsewhere: Elsewhere;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): OtherFeed {
  const { colo, feed, elsewhere, clock, log, signal } = deps;
  /** Since when nothing was there behind a place. */
  const quietSince = createRecent<string, number>(placesMax);
  let told: Told | undefined;
  let isAsking = false;
  /** The owner had more the last time: it is asked again at once. */
  let isBehind = false;

  function askWhenDue(after: string): void {
    const nowMs = clock.monotonicMs();
    const key = `at ${after}`;
    const sinceMs = quietSince.get(key) ?? nowMs;
    if (!quietSince.has(key)) quietSince.set(key, nowMs);
    if (isAsking || (!isBehind && nowMs - sinceMs < patienceMs)) return;
    isAsking = true;
    quietSince.set(key, nowMs);
    ask(after)
      .then((entries) => {
        isBehind = entries.length > 0;
        if (isBehind) told = { after, entries };
      })
      .catch((error: unknown) => {
        isBehind = false;
        if (!signal.aborted) log.debug({ colo, error: String(error) }, "its feed was not told");
      })
      .finally(() => {
        isAsking = false;
      });
  }

  /** Nobody waits for it: the other feeds go on meanwhile, and the next reading has the answer. */
  function ask(after: string): Promise<readonly FeedEntry[]> {
    const request = { after, entriesMax };
    return withDeadline(clock, { deadlineMs: askMsMax, signal }, (within) => {
      const caller = { principal: "muster:feed", signal: within };
      return elsewhere.ask(colo, "feed.read", request, caller);
    });
  }

  return {
    ...feed,
    async readFeed(after, max, call) {
      const page = await feed.readFeed(after, max, call);
      if (page.length > 0 || !elsewhere.colos.has(colo)) return page;
      if (told?.after === after) return told.entries.slice(0, max);
      askWhenDue(after);
      return page;
    },
  };
}
