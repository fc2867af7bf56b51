import assert from "node:assert/strict";
import type { Commit, Loaded, Row, RowKey } from "../../core/ports/store.js";
import { placementChanged } from "../store-rules/faults.js";
import { compareText } from "../store-rules/text-order.js";

export interface Partitions {
  load(partition: string, kinds: readonly string[] | "all", nowMs: number): Loaded;
  read(partition: string, keys: readonly RowKey[], nowMs: number): readonly (Row | undefined)[];
  /** @throws Fault `PLACEMENT_CHANGED`; AssertionError when the events do not go on. */
  commit(partition: string, commit: Commit): number;
  wasCommitted(partition: string, commitId: string): boolean;
  names(): Iterable<string>;
}

interface Partition {
  revision: number;
  lastSequence: number;
  readonly rows: Map<string, Row>;
  /** Oldest first, at most `commitIdsKept`. */
  readonly commitIds: Set<string>;
}

const commitIdsKept = 1_000;

/** The linearizable part: each partition alone. Expired rows go when their partition is written. */
export function createPartitions(): Partitions {
  const partitions = new Map<string, Partition>();
  const rowId = ({ kind, key }: RowKey) => `${kind}\0${key}`;
  const isLive = (row: Row, nowMs: number) =>
    row.expiresAtMs === undefined || row.expiresAtMs > nowMs;

  return {
    load(name, kinds, nowMs) {
      const found = partitions.get(name);
      if (!found) return { revision: 0, lastSequence: 0, rows: [] };
      const rows = [...found.rows.values()]
        .filter((row) => (kinds === "all" || kinds.includes(row.kind)) && isLive(row, nowMs))
        .sort((one, two) => compareText(one.kind, two.kind) || compareText(one.key, two.key));
      return { revision: found.revision, lastSequence: found.lastSequence, rows };
    },
    read(name, keys, nowMs) {
      const rows = partitions.get(name)?.rows;
      return keys.map((key) => {
        const row = rows?.get(rowId(key));
        return row && isLive(row, nowMs) ? row : undefined;
      });
    },
    commit(name, commit) {
      const found = partitions.get(name) ?? emptyPartition();
      const { expectedRevision } = commit;
      if (found.revision !== expectedRevision)
        throw placementChanged(name, expectedRevision, found.revision);
      const first = commit.events[0]?.sequence;
      found.lastSequence = commit.startsAfter ?? found.lastSequence;
      assert(
        first === undefined || first === found.lastSequence + 1,
        `${name}: event ${first} does not go on from ${found.lastSequence}`,
      );
      partitions.set(name, found);
      found.revision++;
      found.lastSequence += commit.events.length;
      for (const row of commit.puts) found.rows.set(rowId(row), Object.freeze({ ...row }));
      for (const key of commit.deletes) found.rows.delete(rowId(key));
      remember(found.commitIds, commit.commitId);
      return found.revision;
    },
    wasCommitted: (name, commitId) => partitions.get(name)?.commitIds.has(commitId) ?? false,
    names: () => partitions.keys(),
  };
}

function emptyPartition(): Partition {
  return { revision: 0, lastSequence: 0, rows: new Map(), commitIds: new Set() };
}

function remember(commitIds: Set<string>, commitId: string): void {
  commitIds.add(commitId);
  const [oldest] = commitIds;
  if (commitIds.size > commitIdsKept && oldest !== undefined) commitIds.delete(oldest);
}
