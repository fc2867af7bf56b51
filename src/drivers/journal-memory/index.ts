import { Fault } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import type { Call } from "../../core/ports/call.js";
import type { Journal, JournalPage, JournalQuery } from "../../core/ports/journal.js";
import { boundEvents, boundIds } from "../journal-rules/page-limits.js";
import { encodePageToken, type Place, placeOf } from "../journal-rules/page-token.js";
import { type Phrase, phrasesOf, searchedTokens } from "../journal-rules/search-text.js";
import { abortedFault } from "../store-rules/aborted.js";

interface Entry extends Place {
  readonly event: MusterEvent;
  /** Tokens, each between spaces, so that a phrase is a piece of it. Made when first searched. */
  readonly words: () => string;
}

/** A plain model of a journal, for tests and simulation: nothing survives the process. */
export function createMemoryJournal(): Journal {
  const entries = new Map<string, Entry>();
  let numberNext = 1;
  let position = "";
  let closed = false;

  const check = ({ signal }: Call) => {
    if (signal.aborted) throw abortedFault(signal);
    if (closed) throw new Fault("STORE_UNAVAILABLE", { say: "the journal is closed" });
  };

  return {
    async append(added, call) {
      check(call);
      for (const { event } of added)
        if (!entries.has(event.id)) entries.set(event.id, entryOf(event, numberNext++));
      position = added.at(-1)?.cursor ?? position;
    },
    async position(call) {
      check(call);
      return position;
    },
    async search(query, call) {
      check(call);
      return searchIn([...entries.values()], query);
    },
    async trim(olderThanMs, call) {
      check(call);
      for (const [id, { atMs }] of entries) if (atMs < olderThanMs) entries.delete(id);
    },
    async close() {
      closed = true;
    },
  };
}

function entryOf(event: MusterEvent, number: number): Entry {
  const copy = JSON.parse(JSON.stringify(event)) as MusterEvent;
  let known: string | undefined;
  const words = () => {
    known ??= ` ${searchedTokens(copy).join(" ")} `;
    return known;
  };
  return { event: copy, number, atMs: event.atMs, words };
}

function searchIn(entries: readonly Entry[], query: JournalQuery): JournalPage {
  const eventsMax = boundEvents(query.eventsMax);
  boundIds(query);
  const place = placeOf(query);
  const phrases = phrasesOf(query.text ?? "");
  const newestFirst = query.order === "newestFirst";
  const inOrder = (one: Place, two: Place) => (newestFirst ? compare(two, one) : compare(one, two));

  const found = entries
    .filter((entry) => place === undefined || inOrder(place, entry) < 0)
    .filter((entry) => matches(entry.event, query))
    .filter((entry) => phrases.every((phrase) => occurs(phrase, entry.words())))
    .sort(inOrder);
  const page = found.slice(0, eventsMax);
  const events = page.map(({ event }) => structuredClone(event));
  const last = page.at(-1);
  if (!last || found.length <= eventsMax) return { events };
  return { events, nextPageToken: encodePageToken(query, last) };
}

function compare(one: Place, two: Place): number {
  return one.atMs - two.atMs || one.number - two.number;
}

function matches(event: MusterEvent, query: JournalQuery): boolean {
  const { account, group, server, types, ids, parents, fromMs, untilMs } = query;
  if (event.account !== account) return false;
  if (group !== undefined && event.group !== group) return false;
  if (server !== undefined && event.server !== server) return false;
  if (types !== undefined && !types.includes(event.type)) return false;
  if (ids !== undefined && !ids.includes(event.id)) return false;
  if (parents !== undefined && !isOneOf(parents, event.parent)) return false;
  if (fromMs !== undefined && event.atMs < fromMs) return false;
  return untilMs === undefined || event.atMs < untilMs;
}

function occurs({ tokens, isPrefix }: Phrase, words: string): boolean {
  return words.includes(` ${tokens.join(" ")}${isPrefix ? "" : " "}`);
}

function isOneOf(wanted: readonly string[], id: string | undefined): boolean {
  return id !== undefined && wanted.includes(id);
}
