import { Fault, isFault } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import type { Call } from "../../core/ports/call.js";
import type { Feed, FeedEntry, Store } from "../../core/ports/store.js";
import { joinCursors, type Places, splitCursor } from "./joined-cursor.js";

/**
 * The feeds of all colos as one. Order holds for each placement; over placements it is roughly that
 * of time, and another one for each reader. A cursor is the set of places in the feeds, so that any
 * node of any colo goes on from it; one of a single feed is good here too. Only the own is trimmed.
 */
export type JoinedFeed = Pick<Store, "readFeed" | "feedHead" | "trimFeed">;

type FeedName = ColoId | "own";

export function createJoinedFeed(
  store: Pick<Store, "readFeed" | "feedHead" | "trimFeed" | "otherFeeds">,
): JoinedFeed {
  return {
    async readFeed(after, entriesMax, call) {
      const others = await store.otherFeeds(call);
      if (others.size === 0) return store.readFeed(after, entriesMax, call);
      const places = splitCursor(after, others);
      const feeds: readonly [FeedName, Feed][] = [["own", store], ...others];
      const pages = await Promise.all(
        feeds.map(async ([name, feed]): Promise<Page> => {
          return { name, entries: await readOne(feed, { name, places, entriesMax, call }) };
        }),
      );
      return merge(pages, places, entriesMax);
    },
    async feedHead(call) {
      const others = await store.otherFeeds(call);
      const feeds: readonly [FeedName, Feed][] = [["own", store], ...others];
      const heads = feeds.map(async ([name, feed]) => [name, await feed.feedHead(call)] as const);
      return joinCursors(new Map(await Promise.all(heads)));
    },
    async trimFeed({ olderThanMs, before }, call) {
      const own = splitCursor(before, await store.otherFeeds(call)).get("own") ?? "";
      await store.trimFeed({ olderThanMs, before: own }, call);
    },
  };
}

interface Page {
  readonly name: FeedName;
  readonly entries: readonly FeedEntry[];
}

async function readOne(
  feed: Feed,
  ask: {
    readonly name: FeedName;
    readonly places: Places;
    readonly entriesMax: number;
    readonly call: Call;
  },
): Promise<readonly FeedEntry[]> {
  const { name, places, entriesMax, call } = ask;
  try {
    return await feed.readFeed(places.get(name) ?? "", entriesMax, call);
  } catch (error) {
    const own = isFault(error, "CURSOR_EXPIRED") ? error.facts["resume"] : undefined;
    if (!isFault(error) || own === undefined) throw error;
    // In the other feeds it goes on where it stood: only this one has forgotten.
    const resume = joinCursors(new Map([...places, [name, own]]));
    throw new Fault("CURSOR_EXPIRED", { say: error.message, facts: { resume } });
  }
}

/** The oldest of the next ones, again and again; each feed's own order stands. */
function merge(pages: readonly Page[], start: Places, entriesMax: number): readonly FeedEntry[] {
  const places = new Map(start);
  const queues = pages.map(({ name, entries }) => ({ name, entries, next: 0 }));
  const merged: FeedEntry[] = [];
  while (merged.length < entriesMax) {
    let first: (typeof queues)[number] | undefined;
    for (const queue of queues) {
      const mine = queue.entries[queue.next];
      const least = first?.entries[first.next];
      if (mine && (!least || mine.event.atMs < least.event.atMs)) first = queue;
    }
    const entry = first?.entries[first.next];
    if (!first || !entry) break;
    first.next += 1;
    places.set(first.name, entry.cursor);
    merged.push({ event: entry.event, cursor: joinCursors(places) });
  }
  return merged;
}
