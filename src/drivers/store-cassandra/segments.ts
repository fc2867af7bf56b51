import type { Tables } from "./schema.js";
import { numberOf, numberOrNull, type Page, type Session, type Statement } from "./session.js";

/** The feed of one colo lies in segments; `ordinal` counts the events of one, from 1 on. */
export interface FeedPlace {
  readonly segment: number;
  /** All events up to this one are behind the place; 0 is the segment's beginning. */
  readonly ordinal: number;
}

export interface FeedHead {
  /** The newest segment, or one before it. */
  readonly segment: number;
  /** Nothing up to here is kept. */
  readonly trimmed: FeedPlace;
  /** Segments up to this one are deleted. */
  readonly clearedSegment: number;
  /** Commits begun up to this minute are known to be in the feed. */
  readonly sweptMinute: number;
}

export interface SegmentState {
  readonly isOpen: boolean;
  readonly isSealed: boolean;
  readonly last: number;
}

/** Plain reads of a colo's feed: they see all that was acknowledged, as a prefix. */
export interface Segments {
  /** @throws Fault `STORE_UNAVAILABLE` */
  head(): Promise<FeedHead>;
  state(segment: number): Promise<SegmentState>;
  /** Entries that hold events behind the place; columns `position`, `count`, `events`. */
  entries(place: FeedPlace, pageState: string | undefined): Promise<Page>;
  /** Goes on from a place at the end of a sealed segment, while there is a next one. */
  onward(place: FeedPlace): Promise<FeedPlace>;
}

const entriesPerPage = 50;

export function createSegments(session: Session, tables: Tables, colo: string): Segments {
  const headQuery = `SELECT segment, trimmed_segment, trimmed_position, cleared_segment,
    swept_minute FROM ${tables.feedHeads} WHERE colo = ?`;
  const stateQuery = `SELECT DISTINCT colo, segment, next, sealed FROM ${tables.feed}
    WHERE colo = ? AND segment = ?`;
  const entriesQuery = `SELECT position, count, events FROM ${tables.feed}
    WHERE colo = ? AND segment = ? AND position > ?`;
  const one = async (statement: Statement) => (await session.rows(statement, { reach: "colo" }))[0];

  const state: Segments["state"] = async (segment) => {
    const row = await one({ query: stateQuery, params: [colo, segment] });
    const next = numberOrNull(row?.["next"]);
    return {
      isOpen: next !== null,
      isSealed: row?.["sealed"] === true,
      last: next ?? 0,
    };
  };

  return {
    state,
    async head() {
      const row = await one({ query: headQuery, params: [colo] });
      return {
        segment: numberOf(row?.["segment"]),
        trimmed: {
          segment: numberOf(row?.["trimmed_segment"]),
          ordinal: numberOf(row?.["trimmed_position"]),
        },
        clearedSegment: numberOf(row?.["cleared_segment"]),
        sweptMinute: numberOf(row?.["swept_minute"]),
      };
    },
    entries: ({ segment, ordinal }, pageState) =>
      session.page(
        { query: entriesQuery, params: [colo, segment, ordinal] },
        { reach: "colo", rowsMax: entriesPerPage, pageState },
      ),
    async onward(place) {
      let at = place;
      for (;;) {
        const now = await state(at.segment);
        if (!now.isSealed || at.ordinal !== now.last) return at;
        const next = { segment: at.segment + 1, ordinal: 0 };
        if (!(await state(next.segment)).isOpen) return at;
        at = next;
      }
    },
  };
}
