import type { MusterEvent } from "../../core/model/event.js";
import type { Call } from "../../core/ports/call.js";
import type { Journal, JournalPage, JournalQuery } from "../../core/ports/journal.js";
import type { Log } from "../../core/ports/log.js";
import type { FeedEntry } from "../../core/ports/store.js";
import { boundEvents, boundIds } from "../journal-rules/page-limits.js";
import { encodePageToken, placeOf } from "../journal-rules/page-token.js";
import { phrasesOf } from "../journal-rules/search-text.js";
import { openWorker, type SqliteWorker } from "../sqlite-worker/open-worker.js";
import type { JournalOperations } from "./operations.js";

export interface SqliteJournalOptions {
  /** A file of its own, never the store's. Held exclusively until `close`. */
  readonly path: string;
  readonly log?: Log;
}

/**
 * The embedded journal. Times in `trim` and in queries are ms since the epoch.
 *
 * @throws Fault `STORE_UNAVAILABLE`: the file is in use or cannot be opened; `facts.file` names it.
 * @throws Fault `CONFIG_INVALID`: the file is something else, or of a newer Muster.
 */
export async function createSqliteJournal({ path, log }: SqliteJournalOptions): Promise<Journal> {
  const entry = new URL("./worker.js", import.meta.url);
  const worker = await openWorker<JournalOperations>({ entry, path, log });
  return {
    append: (entries, call) => append(worker, entries, call),
    position: (call) => worker.ask("position", undefined, { call }),
    search: (query, call) => search(worker, query, call),
    async trim(olderThanMs, call) {
      // Bounded turns: others come in between. Ends with the events themselves.
      while (await worker.ask("trim", olderThanMs, { call }));
    },
    close: () => worker.close(),
  };
}

type Worker = SqliteWorker<JournalOperations>;

const eventsPerTurnMax = 500;

/** In turns, each with its own position: a stop in between loses nothing and repeats nothing. */
async function append(worker: Worker, entries: readonly FeedEntry[], call: Call): Promise<void> {
  for (let start = 0; start < entries.length; start += eventsPerTurnMax) {
    const turn = entries.slice(start, start + eventsPerTurnMax);
    const events = turn.map(({ event }) => JSON.stringify(event));
    const bytes = events.reduce((sum, text) => sum + text.length, 0);
    await worker.ask("append", { events, position: turn.at(-1)?.cursor ?? "" }, { call, bytes });
  }
}

async function search(worker: Worker, query: JournalQuery, call: Call): Promise<JournalPage> {
  const eventsMax = boundEvents(query.eventsMax);
  boundIds(query);
  const phrases = phrasesOf(query.text ?? "");
  const behind = placeOf(query);
  // One more than the page, to know whether anything follows.
  const args = { query, phrases, behind, eventsMax: eventsMax + 1 };
  const found = await worker.ask("search", args, { call });
  const page = found.slice(0, eventsMax);
  const events = page.map(([, , text]) => JSON.parse(text) as MusterEvent);
  const [atMs, number] = page.at(-1) ?? [];
  if (found.length <= eventsMax || atMs === undefined || number === undefined) return { events };
  return { events, nextPageToken: encodePageToken(query, { atMs, number }) };
}
