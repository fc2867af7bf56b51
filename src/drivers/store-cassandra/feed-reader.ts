import type { MusterEvent } from "../../core/model/event.js";
import type { Feed, FeedEntry, Store } from "../../core/ports/store.js";
import { cursorExpired, cursorInvalid } from "../store-rules/faults.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import { decodeCursor, encodeCursor, isBefore } from "./cursor.js";
import type { Tables } from "./schema.js";
import type { FeedPlace, Segments } from "./segments.js";
import { numberOf, type Session, takenEffect } from "./session.js";

export interface FeedReaderParts {
  readonly segments: Segments;
  /** The feed's name, in every cursor. */
  readonly feed: string;
  /**
   * Of the store's own feed alone: brings what this process committed into it. Whatever fails there
   * is tried again. Another colo's feed may have less here than its readers have seen elsewhere.
   */
  readonly settle?: () => Promise<void>;
}

export interface FeedTrimmerParts extends Pick<FeedReaderParts, "segments" | "feed"> {
  readonly session: Session;
  readonly tables: Tables;
  readonly colo: string;
}

interface Placed {
  readonly event: MusterEvent;
  readonly place: FeedPlace;
}

const triesMax = 4;

/** A colo's feed for its readers. */
export function createFeedReader({ segments, feed, settle }: FeedReaderParts): Feed {
  const { eventsAfter, checkExists } = createFeedWalk(segments);
  /** Most readers ask where nothing has come since: one read tells. */
  const isNewestEnd = async ({ segment, ordinal }: FeedPlace) => {
    const { isOpen, isSealed, last } = await segments.state(segment);
    return isOpen && !isSealed && last === ordinal;
  };
  return {
    async readFeed(after, entriesMax) {
      const max = boundPage(entriesMax, pageLimits.entriesMax);
      const asked = after === "" ? undefined : decodeCursor(feed, after);
      await settle?.();
      if (asked && (await isNewestEnd(asked))) return [];
      const { trimmed } = await segments.head();
      const start = asked ?? trimmed;
      if (isBefore(start, trimmed)) throw cursorExpired(encodeCursor(feed, trimmed));
      const entries: FeedEntry[] = [];
      for await (const { event, place } of eventsAfter(start)) {
        entries.push({ event, cursor: encodeCursor(feed, place) });
        if (entries.length === max) break;
      }
      if (entries.length === 0 && settle) await checkExists(start);
      return entries;
    },
    async feedHead() {
      await settle?.();
      const { segment } = await segments.head();
      if (segment === 0) return ""; // Nothing of it has arrived.
      const start = { segment, ordinal: (await segments.state(segment)).last };
      let at = await segments.onward(start);
      if (at.segment !== segment)
        at = { segment: at.segment, ordinal: (await segments.state(at.segment)).last };
      return encodeCursor(feed, at);
    },
  };
}

/** What forgets the store's own feed. No other may: it is written in its colo alone. */
export function createFeedTrimmer(parts: FeedTrimmerParts): Pick<Store, "trimFeed"> {
  const { session, tables, segments, colo, feed } = parts;
  const { eventsAfter, checkExists } = createFeedWalk(segments);
  const trimTo = `UPDATE ${tables.feedHeads} SET trimmed_segment = ?, trimmed_position = ?
    WHERE colo = ? IF trimmed_segment = ? AND trimmed_position = ?`;
  const clear = `DELETE FROM ${tables.feed} WHERE colo = ? AND segment = ?`;
  const clearedTo = `UPDATE ${tables.feedHeads} SET cleared_segment = ?
    WHERE colo = ? IF cleared_segment < ?`;
  return {
    async trimFeed({ olderThanMs, before }) {
      const end = before === "" ? undefined : decodeCursor(feed, before);
      if (end) await checkExists(end);
      for (let tries = 0; tries < triesMax && end; tries++) {
        const head = await segments.head();
        let { trimmed } = head;
        if (!isBefore(trimmed, end)) break;
        for await (const { event, place } of eventsAfter(trimmed)) {
          if (event.atMs >= olderThanMs || isBefore(end, place)) break;
          trimmed = place;
        }
        const { segment, ordinal } = trimmed;
        const was = [head.trimmed.segment, head.trimmed.ordinal];
        const statement = { query: trimTo, params: [segment, ordinal, colo, ...was] };
        if (takenEffect(await session.writeIf([statement], "colo"))) break;
      }
      await clearTrimmed();
    },
  };

  /** A segment goes as a whole: one tombstone for thousands of events, and nobody reads past it. */
  async function clearTrimmed(): Promise<void> {
    const { trimmed, clearedSegment } = await segments.head();
    const last = trimmed.segment - 1;
    for (let segment = clearedSegment + 1; segment <= last; segment++)
      await session.write([{ query: clear, params: [colo, segment] }], "colo");
    if (last <= clearedSegment) return;
    takenEffect(await session.writeIf([{ query: clearedTo, params: [last, colo, last] }], "colo"));
  }
}

function createFeedWalk(segments: Segments) {
  /** Events of the place's segment behind it, oldest first; stops where a replica has a gap. */
  async function* eventsBehind(place: FeedPlace): AsyncGenerator<Placed> {
    const { segment } = place;
    let { ordinal } = place;
    let pageState: string | undefined;
    do {
      const page = await segments.entries(place, pageState);
      for (const row of page.rows) {
        const first = numberOf(row["position"]) - numberOf(row["count"]) + 1;
        if (first > ordinal + 1) return;
        const events = JSON.parse(row["events"] as string) as readonly MusterEvent[];
        for (const event of events.slice(ordinal + 1 - first)) {
          ordinal += 1;
          yield { event, place: { segment, ordinal } };
        }
      }
      pageState = page.pageState;
    } while (pageState !== undefined);
  }

  /** The same over segments, from one to the next. */
  async function* eventsAfter(start: FeedPlace): AsyncGenerator<Placed> {
    for (let at = start; ; ) {
      for await (const placed of eventsBehind(at)) {
        at = placed.place;
        yield placed;
      }
      const next = await segments.onward(at);
      if (next.segment === at.segment) return;
      at = next;
    }
  }

  async function checkExists({ segment, ordinal }: FeedPlace): Promise<void> {
    const { isOpen, last } = await segments.state(segment);
    if (!isOpen || ordinal > last) throw cursorInvalid();
  }

  return { eventsAfter, checkExists };
}
