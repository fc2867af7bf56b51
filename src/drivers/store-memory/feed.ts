import type { MusterEvent } from "../../core/model/event.js";
import type { FeedEntry } from "../../core/ports/store.js";
import { cursorExpired, cursorInvalid } from "../store-rules/faults.js";
import { decodeCursor, encodeCursor, type Seen } from "./feed-cursor.js";

export interface Feed {
  append(partition: string, eventTexts: readonly string[], lastSequence: number): void;
  /** `isLate` tells of a partition whether its newest events are held back this time. */
  read(
    after: string,
    entriesMax: number,
    isLate: (partition: string) => boolean,
  ): readonly FeedEntry[];
  head(): string;
  trim(olderThanMs: number, before: string): void;
}

interface Published {
  /** The partition's number: cursors would be long with its name. */
  readonly partition: number;
  readonly sequence: number;
  readonly text: string;
}

/**
 * The feed of a store that has no order over partitions: what is new is put in an arbitrary order
 * when someone first reads it, each partition's own in sequence, and that order then stands.
 */
export function createFeed(random: () => number): Feed {
  const numbers = new Map<string, number>();
  /** What came before a partition was moved here is not in this feed: counting begins behind it. */
  const bases = new Map<string, number>();
  const fresh = new Map<string, Published[]>();
  const published: Published[] = [];
  let trimmed: Seen = [];
  /** The newest places that were handed out: most readers come back with one of these. */
  const places = new Map<string, Seen>();

  const decode = (cursor: string): Seen | undefined => places.get(cursor) ?? decodeCursor(cursor);
  const handOut = (cursor: string, seen: Seen): string => {
    places.set(cursor, seen);
    const [oldest] = places.keys();
    if (places.size > placesMax && oldest !== undefined) places.delete(oldest);
    return cursor;
  };

  const publish = (isLate: (partition: string) => boolean) => {
    const queues = [...fresh].filter(([name]) => !isLate(name));
    for (const [name] of queues) fresh.delete(name);
    interleave(
      queues.map(([, queue]) => queue),
      random,
      published,
    );
  };

  /** The index of the entry behind the cursor. Sequences have no gap, so counting is enough. */
  const locate = (cursor: string): { seen: Seen; index: number } => {
    if (cursor === "") return { seen: trimmed, index: 0 };
    const seen = decode(cursor);
    const index = seen ? count(seen) - count(trimmed) : Number.NaN;
    if (!seen || !isPrefix(seen, Math.max(0, index))) throw cursorInvalid();
    return { seen, index };
  };

  const isPrefix = (seen: Seen, index: number): boolean => {
    if (index > published.length || seen.length > numbers.size) return false;
    const last = published[index - 1];
    return !last || seen[last.partition] === last.sequence;
  };

  return {
    append(name, eventTexts, lastSequence) {
      const partition = numbers.get(name) ?? numbers.size;
      numbers.set(name, partition);
      const queue = fresh.get(name) ?? [];
      fresh.set(name, queue);
      const first = lastSequence - eventTexts.length + 1;
      const base = bases.get(name) ?? first - 1;
      if (eventTexts.length > 0) bases.set(name, base);
      for (const [index, text] of eventTexts.entries())
        queue.push({ partition, sequence: first + index - base, text });
    },
    read(after, entriesMax, isLate) {
      const { seen, index } = locate(after);
      if (index < 0) throw cursorExpired(encodeCursor(trimmed));
      if (published.length - index < entriesMax) publish(isLate);
      if (index === published.length) return [];
      const page = entriesBehind(seen, published.slice(index, index + entriesMax));
      const last = page.at(-1);
      if (last) handOut(last.cursor, advance(seen, published.slice(index, index + page.length)));
      return page;
    },
    head() {
      publish(() => false);
      return encodeCursor(advance(trimmed, published));
    },
    trim(olderThanMs, before) {
      const { index } = locate(before);
      const kept = published.slice(0, Math.max(0, index)).findIndex(({ text }) => {
        return (JSON.parse(text) as MusterEvent).atMs >= olderThanMs;
      });
      const removed = published.splice(0, kept === -1 ? Math.max(0, index) : kept);
      trimmed = advance(trimmed, removed);
    },
  };
}

const placesMax = 16;

function entriesBehind(start: Seen, page: readonly Published[]): readonly FeedEntry[] {
  let seen = start;
  return page.map((entry) => {
    seen = advance(seen, [entry]);
    return createEntry(entry, seen);
  });
}

/** Cursors are long, and most readers ask only for the last one's. */
function createEntry({ text }: Published, seen: Seen): FeedEntry {
  let cursor: string | undefined;
  return {
    event: JSON.parse(text) as MusterEvent,
    get cursor() {
      cursor ??= encodeCursor(seen);
      return cursor;
    },
  };
}

function advance(seen: Seen, entries: readonly Published[]): Seen {
  const next = [...seen];
  for (const { partition, sequence } of entries) {
    while (next.length < partition) next.push(0);
    next[partition] = sequence;
  }
  return next;
}

/** Takes from the queues by chance until they are empty; the order within each stays. */
function interleave(queues: readonly Published[][], random: () => number, into: Published[]): void {
  const rest = queues.map((queue) => queue.toReversed());
  for (let open = rest; open.length > 0; open = open.filter((queue) => queue.length > 0)) {
    const entry = open[Math.floor(random() * open.length)]?.pop();
    if (entry) into.push(entry);
  }
}

function count(seen: Seen): number {
  return seen.reduce((sum, sequence) => sum + sequence, 0);
}
