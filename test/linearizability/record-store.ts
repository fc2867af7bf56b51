import { createHash, randomUUID } from "node:crypto";
import { isFault } from "../../src/core/errors/fault.js";
import {
  type Commit,
  partitionText,
  type ReadCall,
  type Row,
  type RowKey,
  type Store,
} from "../../src/core/ports/store.js";

/** Takes one line of a history; all lines of all processes make one, in whatever order. */
export type WriteLine = (line: string) => void;

/** The row of each partition whose value is followed: a placement's target is in it. */
const followed: RowKey = { kind: "doc", key: "self" };

/**
 * The store, with what it was asked and what it answered written down as `main.go` reads it:
 * commits, look-ups of commits, and reads. A call is written before it is made, so that whoever
 * dies amid it leaves it behind; and times are those of the machine's one monotonic clock.
 */
export function recordStore(store: Store, write: WriteLine): Store {
  const record = async <Value>(
    call: Readonly<Record<string, unknown>>,
    work: () => Promise<Value>,
    told: { readonly of: (value: Value) => object; readonly failed: (error: unknown) => object },
  ): Promise<Value> => {
    const op = randomUUID();
    write(JSON.stringify({ op, ...call, call: nowUs() }));
    const answer = (what: object) => write(JSON.stringify({ op, ...what, answer: nowUs() }));
    try {
      const value = await work();
      answer(told.of(value));
      return value;
    } catch (error) {
      answer(told.failed(error));
      throw error;
    }
  };

  return {
    ...store,
    commit: (commit, call) =>
      record(committing(commit), () => store.commit(commit, call), {
        of: ({ revision }) => ({ result: "committed", revision }),
        failed: failedCommit,
      }),
    wasCommitted: (id, commitId, call) =>
      record(
        { kind: "lookUp", partition: partitionText(id), commit: commitId },
        () => store.wasCommitted(id, commitId, call),
        { of: (stands) => ({ result: stands ? "yes" : "no" }), failed: () => undone },
      ),
    load: (id, kinds, call) =>
      record(reading("load", id, call), () => store.load(id, kinds, call), {
        of: ({ revision, lastSequence, rows }) => ({
          ...{ result: "read", revision, lastSequence },
          ...(kinds === "all" || kinds.includes(followed.kind)
            ? { value: hashOf(rows.find(isFollowed)) }
            : {}),
        }),
        failed: () => undone,
      }),
    read(id, keys, call) {
      const place = keys.findIndex(isFollowed);
      if (place < 0) return store.read(id, keys, call);
      return record(reading("read", id, call), () => store.read(id, keys, call), {
        of: (rows) => ({ result: "read", value: hashOf(rows[place]) }),
        failed: () => undone,
      });
    },
  };
}

const undone = { result: "undone" };

function committing({ partition, expectedRevision, commitId, puts, deletes, events }: Commit) {
  const put = puts.find(isFollowed);
  return {
    ...{ kind: "commit", partition: partitionText(partition), commit: commitId },
    ...{ expected: expectedRevision, events: events.length },
    ...(put || deletes.some(isFollowed) ? { value: hashOf(put) } : {}),
  };
}

function reading(kind: string, id: Parameters<Store["load"]>[0], { from }: ReadCall) {
  return { kind, partition: partitionText(id), isReplica: from === "replica" };
}

/** What the fault promises; anything else promises nothing. */
function failedCommit(error: unknown) {
  if (isFault(error, "PLACEMENT_CHANGED"))
    return { result: "changed", revision: Number(error.facts?.["revision"]) };
  const wasNot = ["STORE_UNAVAILABLE", "LIMIT_EXCEEDED"] as const;
  return wasNot.some((reason) => isFault(error, reason)) ? undone : { result: "unknown" };
}

function isFollowed({ kind, key }: RowKey): boolean {
  return kind === followed.kind && key === followed.key;
}

/** Short, and the same for the same text; "" for no row. */
function hashOf(row: Row | undefined): string {
  return row ? createHash("sha256").update(row.value).digest("base64url").slice(0, 16) : "";
}

/** Microseconds: nanoseconds since a machine's start are no safe integers after some months. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
