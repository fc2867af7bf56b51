import type { MusterEvent } from "../model/event.js";
import type { ColoId } from "../model/ids.js";
import type { Call } from "./call.js";

/**
 * The state, cut into partitions: each is changed by conditional commits alone, and no operation
 * spans two. The contract is what Cassandra can keep (one partition of one table, clustered by
 * (kind, key), with a static revision), not what SQLite could.
 */
export interface Store extends Feed {
  /**
   * All live rows of the partition, of the given kinds where named. Serial: sees every commit that
   * was acknowledged before the call, or as the call says. A partition never written has revision 0
   * and no rows.
   */
  load(partition: PartitionId, kinds: readonly string[] | "all", call: ReadCall): Promise<Loaded>;

  /** Single rows by kind and key, in the order asked for; undefined where there is none. Serial. */
  read(
    partition: PartitionId,
    keys: readonly RowKey[],
    call: ReadCall,
  ): Promise<readonly (Row | undefined)[]>;

  /**
   * Writes rows, deletions and events at once, or nothing, if the partition's revision is still
   * `expectedRevision`; the revision then grows by one.
   *
   * @throws Fault `PLACEMENT_CHANGED`: certainly not committed, another revision stands.
   * @throws Fault `COMMIT_UNKNOWN`: may or may not be committed; ask `wasCommitted`.
   * @throws Fault `STORE_UNAVAILABLE`: certainly not committed.
   * @throws Fault `LIMIT_EXCEEDED`: over `commitLimits`; certainly not committed.
   */
  commit(commit: Commit, call: Call): Promise<Committed>;

  /**
   * Whether the commit with this id took effect. Serial; known for the last 1,000 commits. A no is
   * final: what is still on its way can take no effect any more.
   */
  wasCommitted(partition: PartitionId, commitId: string, call: Call): Promise<boolean>;

  /** Forgets own events that are older and stand behind `before` (the readers' watermark). */
  trimFeed(trim: { olderThanMs: number; before: string }, call: Call): Promise<void>;
  /**
   * Feeds of other colos, as far as they have arrived here, by colo: together with the store's own
   * they have every event of the installation once. None where one feed has all events. Cursors of
   * feeds that have others beside them are of letters, digits, `.`, `-`, `_` and `:`.
   */
  otherFeeds(call: Call): Promise<ReadonlyMap<ColoId, OtherFeed>>;

  /**
   * Index entries are hints: true at the latest when the commit that needs them is, maybe longer.
   */
  putHints(hints: readonly Hint[], call: Call): Promise<void>;
  deleteHints(hints: readonly HintKey[], call: Call): Promise<void>;
  /** Hints of one index in order of key, after `afterKey` ("" is the beginning). */
  listHints(
    page: { index: string; afterKey: string; hintsMax: number },
    call: Call,
  ): Promise<readonly Hint[]>;

  /**
   * Names of all that was ever written: of partitions as `partitionText` has them, or of indexes.
   * Each once, in the store's own order; what is written meanwhile may be missing.
   */
  listNames(page: NamesAsked, call: Call): Promise<NamePage>;
  /**
   * Copies everything, as at one moment, into a new file, and opens the copy; its feed is another
   * one, since what comes next is. Only where the store is a file.
   *
   * @throws Fault `STORE_UNAVAILABLE`: it cannot be written; nothing is left of it.
   */
  backUp?(file: string, call: Call): Promise<Store>;

  close(): Promise<void>;
}

/** Events in one order. A store's own feed has those that were committed in its colo. */
export interface Feed {
  /**
   * Events after a cursor ("" is the beginning). Each partition's events come in sequence without
   * gap or repeat; over partitions the order is roughly that of time, and the same for every reader
   * of this feed. An empty page means: nothing more for now.
   *
   * @throws Fault `CURSOR_EXPIRED`: the cursor lies behind the retention; `facts.resume` goes on.
   * @throws Fault `CURSOR_INVALID`: not a cursor of this feed.
   */
  readFeed(after: string, entriesMax: number, call: Call): Promise<readonly FeedEntry[]>;
  /** The cursor behind the newest event. */
  feedHead(call: Call): Promise<string>;
}

/**
 * Another colo's feed as it arrives here. It ends where an entry has yet to arrive, whatever is
 * there behind it; a cursor may lie beyond that end, since others may have read on.
 */
export interface OtherFeed extends Feed {
  /** Whether it has the form of this feed's cursors, which no other's has. */
  isCursor(text: string): boolean;
}

/** `scope` tells who writes it: a placement its colo alone, a group config a quorum over colos. */
export interface PartitionId {
  readonly scope: "placement" | "group" | "account" | "colo" | "lease" | "node";
  /** Slash-separated, e.g. `acme/web/iad`. */
  readonly key: string;
}

export interface ReadCall extends Call {
  /**
   * What this colo's own copy has by now: all that was acknowledged of what this colo writes, and
   * maybe some of what is under way. Of what other colos write it is behind, and while it catches
   * up, in some rows more than in others. Answered however far they are away; all that may be asked
   * of a placement that another colo writes. Default: serial, which settles what is under way.
   */
  readonly from?: "replica";
}

export interface RowKey {
  readonly kind: string;
  readonly key: string;
}

/** `value` is JSON text: rows are small documents, never collections of the store. */
export interface Row extends RowKey {
  readonly value: string;
  /** From then on the row reads as absent. */
  readonly expiresAtMs?: number;
}

export interface Loaded {
  readonly revision: number;
  /** Sequence of the partition's newest event; 0 before the first. */
  readonly lastSequence: number;
  readonly rows: readonly Row[];
}

export interface Commit {
  readonly partition: PartitionId;
  readonly expectedRevision: number;
  /** Unique; a commit whose answer was lost is found again by it. */
  readonly commitId: string;
  /** At most one write per row: a key is put or deleted, once. */
  readonly puts: readonly Row[];
  readonly deletes: readonly RowKey[];
  /** Sequences must go on from `lastSequence` without a gap. */
  readonly events: readonly MusterEvent[];
  /** Written no later than the commit. */
  readonly hints: readonly Hint[];
  /**
   * Of a partition that was moved here from another store: the sequence that its events go on from.
   * Only in its first commit (`expectedRevision` 0).
   */
  readonly startsAfter?: number;
}

export interface Committed {
  readonly revision: number;
}

export interface FeedEntry {
  readonly event: MusterEvent;
  /** Opaque; resuming after it gives the next entry. */
  readonly cursor: string;
}

export interface HintKey {
  readonly index: string;
  readonly key: string;
}

export interface Hint extends HintKey {
  readonly value: string;
}

export interface NamesAsked {
  readonly of: "partitions" | "indexes";
  /** `next` of the page before; "" is the beginning. */
  readonly after: string;
  readonly namesMax: number;
}

export interface NamePage {
  readonly names: readonly string[];
  /** Opaque; undefined: there are no more. */
  readonly next: string | undefined;
}

/**
 * Whether an index is one of those whose hints come and go all day, where others' mostly stay. A
 * store may keep them in another way, for which what was deleted costs less, and listing more.
 */
export function isBusyIndex(index: string): boolean {
  return busyIndexes.some((kind) => index.startsWith(`${kind}/`));
}

const busyIndexes = ["asked", "due", "work"] as const;

/** A commit over these is refused, so that partitions and batches stay small. */
export const commitLimits = {
  rowsMax: 5_000,
  eventsMax: 5_000,
  bytesMax: 8 * 1024 * 1024,
} as const;

export function partitionText(partition: PartitionId): string {
  return `${partition.scope}:${partition.key}`;
}

/** What `partitionText` wrote. */
export function parsePartition(text: string): PartitionId {
  const at = text.indexOf(":");
  return { scope: text.slice(0, at) as PartitionId["scope"], key: text.slice(at + 1) };
}
