import { Fault } from "../core/errors/fault.js";
import type { MusterEvent } from "../core/model/event.js";
import { placementText } from "../core/model/ids.js";
import type { Call } from "../core/ports/call.js";
import type { Clock } from "../core/ports/clock.js";
import { type Hint, parsePartition, type Store } from "../core/ports/store.js";
import { namesOf } from "../supervisor/names-of.js";
import { sleep } from "../supervisor/sleep.js";
import { withoutOurs } from "./hold.js";
import type { ExportRecord } from "./records.js";
import type { Whole } from "./whole.js";

const eventsPerPage = 1_000;
const hintsPerPage = 1_000;
const loadsAtOnce = 16;
/** Leases and nodes are of those who work with a store, not of what it keeps. */
const left: ReadonlySet<string> = new Set(["lease", "node"]);

/**
 * Everything that must not be lost, in an order of its own; one partition at a time is in memory,
 * and the names of all.
 *
 * @param names of all partitions
 * @throws Fault `STORE_UNAVAILABLE`: events are still on their way to the feed.
 */
export async function* recordsOf(
  whole: Whole,
  names: readonly string[],
  call: Call,
): AsyncGenerator<ExportRecord> {
  const lastOf = new Map<string, number>();
  for await (const event of eventsOf(whole.stores, call)) {
    lastOf.set(`placement:${placementText(event)}`, event.sequence);
    yield { kind: "event", event };
  }
  const moved = names.filter((name) => !left.has(parsePartition(name).scope));
  for (let start = 0; start < moved.length; start += loadsAtOnce) {
    const loads = moved.slice(start, start + loadsAtOnce).map(async (name) => {
      const partition = parsePartition(name);
      return { name, partition, ...(await whole.storeOf(partition).load(partition, "all", call)) };
    });
    for (const { name, partition, lastSequence, rows } of await Promise.all(loads)) {
      if ((lastOf.get(name) ?? lastSequence) !== lastSequence) throw eventsMissing(name);
      yield { kind: "partition", partition, lastSequence };
      for (const row of partition.scope === "colo" ? withoutOurs(rows) : rows)
        yield { kind: "row", row };
    }
  }
  yield* hintsOf(whole.stores, call);
}

function eventsMissing(partition: string): Fault {
  return new Fault("STORE_UNAVAILABLE", {
    say: "the newest events of a node that was killed are not in the feed yet: try again",
    facts: { partition },
  });
}

/** Of all feeds, the oldest first; each feed's own order stands. */
async function* eventsOf(stores: readonly Store[], call: Call): AsyncGenerator<MusterEvent> {
  const feeds = stores.map((store) => feedOf(store, call));
  const next = await Promise.all(feeds.map((feed) => feed.next()));
  for (;;) {
    let oldest: { readonly feed: number; readonly event: MusterEvent } | undefined;
    for (const [feed, one] of next.entries())
      if (!one.done && (!oldest || one.value.atMs < oldest.event.atMs))
        oldest = { feed, event: one.value };
    if (!oldest) return;
    yield oldest.event;
    next[oldest.feed] = await feeds[oldest.feed]!.next();
  }
}

async function* feedOf(store: Store, call: Call): AsyncGenerator<MusterEvent, undefined> {
  for (let cursor = ""; ; ) {
    const page = await store.readFeed(cursor, eventsPerPage, call);
    for (const { event } of page) yield event;
    const last = page.at(-1);
    if (!last) return undefined;
    ({ cursor } = last);
  }
}

/** By index and key; what two colos' copies say of one is the last one's word: hints are checked. */
async function* hintsOf(stores: readonly Store[], call: Call): AsyncGenerator<ExportRecord> {
  const indexes = new Set<string>();
  for (const store of stores)
    for await (const name of namesOf(store, "indexes", call)) indexes.add(name);
  for (const index of [...indexes].sort()) {
    const hints = new Map<string, Hint>();
    for (const store of stores)
      for (let afterKey = ""; ; ) {
        const page = await store.listHints({ index, afterKey, hintsMax: hintsPerPage }, call);
        for (const hint of page) hints.set(hint.key, hint);
        if (page.length < hintsPerPage) break;
        afterKey = page.at(-1)!.key;
      }
    for (const key of [...hints.keys()].sort()) yield { kind: "hint", hint: hints.get(key)! };
  }
}

/** Longer than the others of a store take to find what a killed node left behind. */
const leftBehindMs = 200_000;
const lookEveryMs = 10_000;

/** Lets the events of nodes that were killed get into the feeds. */
export async function awaitFeeds({ stores }: Whole, clock: Clock, call: Call): Promise<void> {
  for (const untilMs = clock.monotonicMs() + leftBehindMs; clock.monotonicMs() < untilMs; ) {
    for (const store of stores) await store.readFeed(await store.feedHead(call), 1, call);
    await sleep(clock, lookEveryMs, call.signal);
  }
}
