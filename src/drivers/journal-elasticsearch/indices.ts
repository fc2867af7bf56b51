import type { MusterEvent } from "../../core/model/event.js";
import { searchedTokens } from "../journal-rules/search-text.js";

/** The names in the cluster; all begin with the prefix, so that others may live there too. */
export interface Indices {
  /** All events, of whatever day. */
  readonly events: string;
  readonly template: string;
  readonly state: string;
  /** The index of the event's own day: a repeat meets the same, and old days go as a whole. */
  ofEvent(event: MusterEvent): string;
  /** Where the day of this index ends, in ms since the epoch; undefined: it is none of ours. */
  endOf(index: string): number | undefined;
}

const dayMs = 24 * 3_600_000;

export function indicesOf(prefix: string): Indices {
  const stem = `${prefix}-events-`;
  return {
    events: `${stem}*`,
    template: `${prefix}-events`,
    state: `${prefix}-state`,
    ofEvent: ({ atMs }) => `${stem}${new Date(atMs).toISOString().slice(0, 10)}`,
    endOf(index) {
      const day = index.startsWith(stem) ? index.slice(stem.length) : "";
      const startMs = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(day) : Number.NaN;
      return Number.isNaN(startMs) ? undefined : startMs + dayMs;
    },
  };
}

/** What stands in the cluster for one event. */
export interface EventDocument {
  readonly event: MusterEvent;
  /** What text searches look into: tokens of our own, so that every journal finds the same. */
  readonly tokens: string;
}

export function documentOf(event: MusterEvent): EventDocument {
  return { event, tokens: searchedTokens(event).join(" ") };
}

const keyword = { type: "keyword" } as const;

/**
 * Whatever events hold, the mapping stays as it is: facts are one field, and what is not named here
 * is kept and not searched.
 */
export function templateOf({ events }: Indices) {
  return {
    index_patterns: [events],
    priority: 500,
    version: 1,
    template: {
      settings: {
        number_of_shards: 1,
        // A copy of each where there is a second node.
        auto_expand_replicas: "0-1",
      },
      mappings: {
        dynamic: "strict",
        // Tokens are made of the event, and need not be kept beside it.
        _source: { excludes: ["tokens"] },
        properties: {
          tokens: {
            type: "text",
            analyzer: "whitespace",
            norms: false,
            index_prefixes: { min_chars: 1, max_chars: prefixCharsMax },
          },
          event: {
            dynamic: false,
            properties: {
              ...{ id: keyword, type: keyword, account: keyword, group: keyword, colo: keyword },
              ...{ server: keyword, parent: keyword, principal: keyword },
              atMs: { type: "date", format: "epoch_millis" },
              sequence: { type: "long" },
              facts: { type: "flattened", ignore_above: factCharsMax },
            },
          },
        },
      },
    },
  };
}

/** A phrase with a longer prefix at its end finds it among `expansionsMax` words of each index. */
const prefixCharsMax = 12;
/** Longer ones are kept, and found by their words. */
const factCharsMax = 1_024;

/** Where the journal stands. Found by its id alone. */
export const stateIndex = {
  settings: { number_of_shards: 1, auto_expand_replicas: "0-1" },
  mappings: {
    dynamic: "strict",
    properties: {
      position: { type: "keyword", index: false, doc_values: false },
      trimmedMs: { type: "long", index: false },
    },
  },
} as const;
