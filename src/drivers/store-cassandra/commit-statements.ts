import type { Commit } from "../../core/ports/store.js";
import type { CheckedCommit } from "../store-rules/check-commit.js";
import { commitIdsKept, sections, type Tables } from "./schema.js";
import type { Statement } from "./session.js";
import { outboxKey, sortable } from "./text-keys.js";

/** What a partition's static columns say; null is never written. */
export interface Standing {
  readonly revision: number | null;
  readonly fences: number | null;
}

export interface CommitParts {
  readonly commit: Commit;
  readonly checked: CheckedCommit;
  readonly fences: number | null;
  /** What is published up to this sequence leaves the outbox along with the commit. */
  readonly removal: { readonly last: number; readonly statement: Statement } | undefined;
  readonly nowMs: number;
}

export interface CommitStatements {
  /** One conditional batch. Refused, it gives `revision`, `last_sequence` and `fences`. */
  commit(parts: CommitParts): readonly Statement[];
  /**
   * Raises `fences`, on which every commit sent before insisted: none of them can take effect any
   * more, wherever it still lingers.
   */
  fence(partition: string, standing: Standing): { statements: readonly Statement[]; next: number };
}

/** In `expires_at_ms`. A null would be a tombstone in every row. */
export const never = 0;
/** Rows live on for that long after they read as absent: clocks differ. */
const expiryGraceS = 3_600;
/** The last second that a TTL may reach with `storage_compatibility_mode: CASSANDRA_4`, in 2038. */
const lastExpiryS = 2 ** 31 - 2;

export function createCommitStatements(tables: Tables): CommitStatements {
  const table = tables.partitions;
  const keep = `INSERT INTO ${table} (partition, section, kind, key, value) VALUES (?, ?, '', ?, ?)`;
  const put = `INSERT INTO ${table} (partition, section, kind, key, value, expires_at_ms)
    VALUES (?, ?, ?, ?, ?, ?) USING TTL ?`;
  const remove = `DELETE FROM ${table}
    WHERE partition = ? AND section = ${sections.rows} AND kind = ? AND key = ?`;
  const fence = `UPDATE ${table} SET fences = ? WHERE partition = ? IF revision = ? AND fences = ?`;

  return {
    commit({ commit, checked, fences, removal, nowMs }) {
      const { partition } = checked;
      const { expectedRevision, commitId, events, startsAfter } = commit;
      const revision = expectedRevision + 1;
      const last = events.at(-1)?.sequence;
      const stands = last ?? (startsAfter || undefined); // Zero is never written.
      const inner = (section: number, key: string, value: string): Statement => ({
        query: keep,
        params: [partition, section, key, value],
      });
      return [
        head(table, {
          set: {
            revision,
            ...(stands === undefined ? {} : { last_sequence: stands }),
            ...(removal === undefined ? {} : { published: removal.last }),
          },
          partition,
          require: {
            revision: expectedRevision === 0 ? null : expectedRevision,
            fences,
            ...(stands === undefined ? {} : { last_sequence: lastBefore(commit) }),
          },
        }),
        inner(sections.head, "", ""),
        inner(sections.commits, slotOf(revision), commitId),
        ...(last === undefined
          ? []
          : [inner(sections.outbox, outboxKey(last, events.length), eventsText(checked))]),
        ...(removal === undefined ? [] : [removal.statement]),
        ...commit.puts.map(({ kind, key, value, expiresAtMs }) => {
          const ttlS = expiresAtMs === undefined ? 0 : ttlOf(expiresAtMs, nowMs);
          const params = [partition, sections.rows, kind, key, value, expiresAtMs ?? never, ttlS];
          return { query: put, params };
        }),
        ...commit.deletes.map(({ kind, key }) => ({
          query: remove,
          params: [partition, kind, key],
        })),
      ];
    },
    fence(partition, { revision, fences }) {
      const next = (fences ?? 0) + 1;
      return { statements: [{ query: fence, params: [next, partition, revision, fences] }], next };
    },
  };
}

/** Where the partition's events must stand for these to go on from there. */
function lastBefore({ events, startsAfter }: Commit): number | null {
  if (startsAfter !== undefined) return null;
  return (events[0]?.sequence ?? 1) - 1 || null;
}

/** The events of a commit as one text, in the outbox and in the feed. */
export function eventsText({ eventTexts }: CheckedCommit): string {
  return `[${eventTexts.join(",")}]`;
}

/** Where the id of the commit that made this revision is kept. */
export function slotOf(revision: number): string {
  return sortable(revision % commitIdsKept);
}

/** Few forms of it exist, so that each is prepared once. */
function head(
  table: string,
  parts: {
    readonly set: Readonly<Record<string, unknown>>;
    readonly partition: string;
    readonly require: Readonly<Record<string, unknown>>;
  },
): Statement {
  const assign = (columns: object) => Object.keys(columns).map((column) => `${column} = ?`);
  const query = `UPDATE ${table} SET ${assign(parts.set).join(", ")}
    WHERE partition = ? IF ${assign(parts.require).join(" AND ")}`;
  const params = [...Object.values(parts.set), parts.partition, ...Object.values(parts.require)];
  return { query, params };
}

/** None for what ends later than the server can say: it reads as absent from its end on, and stays. */
function ttlOf(expiresAtMs: number, nowMs: number): number {
  const nowS = Math.ceil(nowMs / 1_000);
  const endS = Math.max(nowS, Math.ceil(expiresAtMs / 1_000)) + expiryGraceS;
  // The server adds what is left to its own time: its clock may be ahead as well.
  return endS + expiryGraceS > lastExpiryS ? 0 : endS - nowS;
}
