import type { EventType, MusterEvent } from "../model/event.js";
import type { Call } from "./call.js";
import type { FeedEntry } from "./store.js";

/** History and search over events. Rebuilt from the store's feed at any time; never the truth. */
export interface Journal {
  /** Idempotent by event id; remembers the last entry's cursor with them, at once. */
  append(entries: readonly FeedEntry[], call: Call): Promise<void>;
  /**
   * The feed cursor behind the last appended entry; "" when empty. Searches that begin after its
   * answer find all that lies before it.
   */
  position(call: Call): Promise<string>;
  /** Newest first unless asked otherwise. @throws Fault `PAGE_TOKEN_INVALID` */
  search(query: JournalQuery, call: Call): Promise<JournalPage>;
  /** Drops what is older than the retention. */
  trim(olderThanMs: number, call: Call): Promise<void>;
  close(): Promise<void>;
}

export interface JournalQuery {
  readonly account: string;
  readonly group?: string;
  readonly server?: string;
  readonly types?: readonly EventType[];
  /** Only these very events, in the query's order. At most `journalLimits.idsMax`. */
  readonly ids?: readonly string[];
  /** Only what follows from one of these events at once. At most `journalLimits.idsMax`. */
  readonly parents?: readonly string[];
  /** Words that all must occur in message or facts; the last may be a prefix ending in `*`. */
  readonly text?: string;
  /** Half-open: from ≤ at < until. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly order: "newestFirst" | "oldestFirst";
  readonly eventsMax: number;
  readonly pageToken?: string;
}

export interface JournalPage {
  readonly events: readonly MusterEvent[];
  /** Absent when nothing follows. */
  readonly nextPageToken?: string;
}

export const journalLimits = { idsMax: 1_000 } as const;
