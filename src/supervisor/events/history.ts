import { isFault } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import type { AccountId, EventId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import { type Journal, type JournalQuery, journalLimits } from "../../core/ports/journal.js";
import type { Feed } from "../../core/ports/store.js";
import { sleep } from "../sleep.js";

/** An account's events by what they are and what they follow from, the newest included. */
export interface History {
  /** The journal is further behind than could be read or waited for. */
  readonly lagging: boolean;
  byId(id: EventId): Promise<MusterEvent | undefined>;
  /** At most so many, in order of time. */
  after(parents: readonly EventId[], eventsMax: number): Promise<readonly MusterEvent[]>;
}

const feedPageMax = 500;
/** So much of what the journal lacks is read from the feed; behind more the journal is waited for. */
const feedPagesMax = 8;
const waitMsMax = 5_000;
const lookEveryMs = 250;
const searchPageMax = 1_000;

export interface HistoryDeps {
  readonly journal: Journal;
  readonly feed: Pick<Feed, "readFeed">;
  readonly clock: Clock;
}

/** Opens the history as of now: the journal, and of the feed what the journal has yet to read. */
export async function openHistory(
  { journal, feed, clock }: HistoryDeps,
  account: AccountId,
  signal: AbortSignal,
): Promise<History> {
  const call = { signal };
  const endMs = clock.monotonicMs() + waitMsMax;
  let tail = await readTail();
  while (tail.more && clock.monotonicMs() < endMs) {
    await sleep(clock, lookEveryMs, signal);
    tail = await readTail();
  }
  const { events } = tail;

  async function readTail() {
    const found: MusterEvent[] = [];
    let cursor = await journal.position(call);
    for (let page = 0; page < feedPagesMax; page++) {
      const entries = await readFeed(cursor);
      for (const { event } of entries) if (event.account === account) found.push(event);
      if (entries.length < feedPageMax) return { events: found, more: false };
      cursor = entries.at(-1)!.cursor;
    }
    return { events: found, more: true };
  }

  async function readFeed(cursor: string) {
    try {
      return await feed.readFeed(cursor, feedPageMax, call);
    } catch (error) {
      const resume = isFault(error, "CURSOR_EXPIRED") ? error.facts["resume"] : undefined;
      if (resume === undefined) throw error;
      return feed.readFeed(resume, feedPageMax, call);
    }
  }

  async function search(query: Partial<JournalQuery>, eventsMax: number) {
    const found: MusterEvent[] = [];
    let pageToken: string | undefined;
    do {
      const page = await journal.search(
        {
          ...query,
          account,
          order: "oldestFirst",
          eventsMax: Math.min(searchPageMax, eventsMax - found.length),
          ...(pageToken === undefined ? {} : { pageToken }),
        },
        call,
      );
      found.push(...page.events);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined && found.length < eventsMax);
    return found;
  }

  return {
    lagging: tail.more,
    async byId(id) {
      return events.find((one) => one.id === id) ?? (await search({ ids: [id] }, 1))[0];
    },
    async after(parents, eventsMax) {
      const found = new Map<string, MusterEvent>();
      for (let from = 0; from < parents.length; from += journalLimits.idsMax) {
        const some = parents.slice(from, from + journalLimits.idsMax);
        const room = eventsMax - found.size;
        if (room <= 0) break;
        for (const one of await search({ parents: some }, room)) found.set(one.id, one);
      }
      const wanted: ReadonlySet<string> = new Set(parents);
      for (const one of events)
        if (one.parent !== undefined && wanted.has(one.parent)) found.set(one.id, one);
      return [...found.values()].slice(0, eventsMax);
    },
  };
}
