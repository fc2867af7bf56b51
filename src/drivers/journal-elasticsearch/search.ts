import type { MusterEvent } from "../../core/model/event.js";
import type { Call } from "../../core/ports/call.js";
import type { JournalPage, JournalQuery } from "../../core/ports/journal.js";
import { boundEvents, boundIds } from "../journal-rules/page-limits.js";
import { encodePageToken, invalidToken, placeOf } from "../journal-rules/page-token.js";
import { type Phrase, phrasesOf } from "../journal-rules/search-text.js";
import type { Cluster } from "./cluster.js";
import type { Indices } from "./indices.js";
import type { State } from "./state.js";

type Condition = Readonly<Record<string, unknown>>;

interface SearchAnswer {
  readonly hits: {
    readonly hits: readonly { readonly _source: { readonly event: MusterEvent } }[];
  };
}

/** Of words that begin like a long prefix at the end of a phrase. */
const expansionsMax = 1_000;

/**
 * Pages follow one another by the order itself: time, sequence, id, which no event ever changes. So
 * the cluster keeps nothing between pages, and a token never expires.
 */
export async function search(
  parts: { readonly cluster: Cluster; readonly indices: Indices; readonly state: State },
  query: JournalQuery,
  call: Call,
): Promise<JournalPage> {
  const eventsMax = boundEvents(query.eventsMax);
  boundIds(query);
  const phrases = phrasesOf(query.text ?? "");
  const behind = placeOf(query);
  if (behind && behind.id === undefined) throw invalidToken();
  const order = query.order === "newestFirst" ? "desc" : "asc";
  const trimmedMs = await parts.state.trimmedMs(call);
  const { body } = await parts.cluster.ask<SearchAnswer>(
    {
      ...{ method: "POST", path: `/${parts.indices.events}/_search` },
      // The same copies for all pages: one that lags behind would leave a gap between two.
      query: { allow_partial_search_results: "false", preference: `account-${query.account}` },
      body: {
        // One more than the page, to know whether anything follows.
        size: eventsMax + 1,
        track_total_hits: false,
        query: { bool: { filter: conditionsOf(query, phrases, trimmedMs) } },
        sort: [{ "event.atMs": order }, { "event.sequence": order }, { "event.id": order }],
        ...(behind && { search_after: [behind.atMs, behind.number, behind.id] }),
      },
    },
    call,
  );
  const found = body.hits.hits.map(({ _source }) => _source.event);
  const events = found.slice(0, eventsMax);
  const last = events.at(-1);
  if (!last || found.length <= eventsMax) return { events };
  const { atMs, sequence, id } = last;
  return { events, nextPageToken: encodePageToken(query, { atMs, number: sequence, id }) };
}

function conditionsOf(
  query: JournalQuery,
  phrases: readonly Phrase[],
  trimmedMs: number,
): readonly Condition[] {
  const { account, group, server, types, ids, parents, fromMs = 0, untilMs } = query;
  const time = { gte: Math.max(fromMs, trimmedMs), ...(untilMs !== undefined && { lt: untilMs }) };
  return [
    { term: { "event.account": account } },
    { range: { "event.atMs": { ...time, format: "epoch_millis" } } },
    ...(group === undefined ? [] : [{ term: { "event.group": group } }]),
    ...(server === undefined ? [] : [{ term: { "event.server": server } }]),
    ...(types === undefined ? [] : [{ terms: { "event.type": types } }]),
    ...(ids === undefined ? [] : [{ terms: { "event.id": ids } }]),
    ...(parents === undefined ? [] : [{ terms: { "event.parent": parents } }]),
    ...phrases.map(conditionOf),
  ];
}

/** Tokens are letters and digits alone, and no query language reads them. */
function conditionOf({ tokens, isPrefix }: Phrase): Condition {
  const query = tokens.join(" ");
  if (!isPrefix) return { match_phrase: { tokens: query } };
  return { match_phrase_prefix: { tokens: { query, max_expansions: expansionsMax } } };
}
