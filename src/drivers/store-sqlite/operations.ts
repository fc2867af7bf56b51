import type { NamePage, NamesAsked } from "../../core/ports/store.js";

/** What the store asks its worker. Tuples, not objects: they cross threads by the thousand. */
export type StoreOperations = {
  readonly commit: { readonly args: CommitArgs; readonly answer: number };
  readonly load: { readonly args: LoadArgs; readonly answer: LoadAnswer };
  readonly read: { readonly args: ReadArgs; readonly answer: readonly (RowTuple | undefined)[] };
  readonly wasCommitted: { readonly args: WasCommittedArgs; readonly answer: boolean };
  readonly readFeed: { readonly args: ReadFeedArgs; readonly answer: readonly FeedTuple[] };
  readonly feedHead: { readonly args: undefined; readonly answer: string };
  /** Answers whether there may be more to trim. */
  readonly trimFeed: { readonly args: TrimFeedArgs; readonly answer: boolean };
  readonly putHints: { readonly args: readonly HintTuple[]; readonly answer: undefined };
  readonly deleteHints: { readonly args: readonly HintKeyTuple[]; readonly answer: undefined };
  readonly listHints: { readonly args: ListHintsArgs; readonly answer: readonly KeyValue[] };
  /** Into a new file of that name. */
  readonly backUp: { readonly args: string; readonly answer: undefined };
  readonly listNames: { readonly args: NamesAsked; readonly answer: NamePage };
};

/** kind, key, value, expiresAtMs */
export type RowTuple = readonly [string, string, string, number | null];
/** index, key, value */
export type HintTuple = readonly [string, string, string];
/** index, key */
export type HintKeyTuple = readonly [string, string];
export type KeyValue = readonly [string, string];
/** cursor, event as JSON */
export type FeedTuple = readonly [string, string];

export interface CommitArgs {
  readonly partition: string;
  readonly expectedRevision: number;
  readonly commitId: string;
  readonly puts: readonly RowTuple[];
  /** kind, key */
  readonly deletes: readonly (readonly [string, string])[];
  /** Sequence of the first event. */
  readonly sequence: number;
  /** at in ms, event as JSON */
  readonly events: readonly (readonly [number, string])[];
  readonly hints: readonly HintTuple[];
  /** Sequence that a moved partition goes on from. */
  readonly startsAfter: number | undefined;
  readonly nowMs: number;
}

export interface LoadArgs {
  readonly partition: string;
  readonly kinds: readonly string[] | "all";
  readonly nowMs: number;
}

export interface LoadAnswer {
  readonly revision: number;
  readonly lastSequence: number;
  readonly rows: readonly RowTuple[];
}

export interface ReadArgs {
  readonly partition: string;
  /** kind, key */
  readonly keys: readonly (readonly [string, string])[];
  readonly nowMs: number;
}

export interface WasCommittedArgs {
  readonly partition: string;
  readonly commitId: string;
}

export interface ReadFeedArgs {
  readonly after: string;
  readonly entriesMax: number;
}

export interface TrimFeedArgs {
  readonly olderThanMs: number;
  readonly before: string;
}

export interface ListHintsArgs {
  readonly index: string;
  readonly afterKey: string;
  readonly hintsMax: number;
}
