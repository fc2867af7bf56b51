import type { JournalQuery } from "../../core/ports/journal.js";
import type { Place } from "../journal-rules/page-token.js";
import type { Phrase } from "../journal-rules/search-text.js";

/** What the journal asks its worker. */
export type JournalOperations = {
  readonly append: { readonly args: AppendArgs; readonly answer: undefined };
  readonly position: { readonly args: undefined; readonly answer: string };
  readonly search: { readonly args: SearchArgs; readonly answer: readonly FoundTuple[] };
  /** Answers whether there may be more to trim. */
  readonly trim: { readonly args: number; readonly answer: boolean };
};

export interface AppendArgs {
  /** JSON of each event. */
  readonly events: readonly string[];
  /** Cursor of the last. */
  readonly position: string;
}

export interface SearchArgs {
  readonly query: JournalQuery;
  readonly phrases: readonly Phrase[];
  readonly behind: Place | undefined;
  readonly eventsMax: number;
}

/** at in ms, number, event as JSON */
export type FoundTuple = readonly [number, number, string];
