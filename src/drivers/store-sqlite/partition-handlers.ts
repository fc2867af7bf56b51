import assert from "node:assert/strict";
import { type Database, prepareRows } from "../sqlite-worker/database.js";
import { done, type Handlers, type Outcome, refused } from "../sqlite-worker/protocol.js";
import { placementChanged } from "../store-rules/faults.js";
import type { CommitArgs, LoadArgs, ReadArgs, RowTuple, StoreOperations } from "./operations.js";
import { commitIdsKept } from "./schema.js";
import { createSweeper } from "./sweeper.js";

type PartitionOperations = Pick<StoreOperations, "commit" | "load" | "read" | "wasCommitted">;

/** id, revision, lastSequence */
type Partition = readonly [number, number, number];

/** Worker side: partitions, their rows and what was committed to them. */
export function createPartitionHandlers(db: Database): Handlers<PartitionOperations> {
  const find = prepareRows<Partition>(
    db,
    "SELECT id, revision, last_sequence FROM partitions WHERE name = ?",
  );
  const findCommit = prepareRows<[number]>(
    db,
    `SELECT 1 FROM commits JOIN partitions ON id = partition_id
     WHERE name = ? AND commit_id = ? LIMIT 1`,
  );
  const write = createCommitWriter(db);
  const { load, read } = createRowReaders(db);

  const commit = (args: CommitArgs): Outcome<number> => {
    const found = find.get(args.partition);
    const revision = found?.[1] ?? 0;
    const { partition, expectedRevision } = args;
    if (revision !== expectedRevision)
      return refused(placementChanged(partition, expectedRevision, revision));
    const lastSequence = args.startsAfter ?? found?.[2] ?? 0;
    assert(
      args.events.length === 0 || args.sequence === lastSequence + 1,
      `${args.partition}: event ${args.sequence} does not go on from ${lastSequence}`,
    );
    write(args, found?.[0], lastSequence + args.events.length);
    return done(revision + 1);
  };

  return {
    commit: { writes: true, run: commit },
    load: {
      writes: false,
      run(args) {
        const [id, revision, lastSequence] = find.get(args.partition) ?? [0, 0, 0];
        return done({ revision, lastSequence, rows: load(id, args) });
      },
    },
    read: { writes: false, run: (args) => done(read(find.get(args.partition)?.[0] ?? 0, args)) },
    wasCommitted: {
      writes: false,
      run: ({ partition, commitId }) => done(findCommit.get(partition, commitId) !== undefined),
    },
  };
}

/** Writes a commit that was checked; the transaction around it makes it all or nothing. */
function createCommitWriter(db: Database) {
  const insert = db.prepare(
    "INSERT INTO partitions (name, revision, last_sequence) VALUES (?, ?, ?)",
  );
  const update = db.prepare("UPDATE partitions SET revision = ?, last_sequence = ? WHERE id = ?");
  const remember = db.prepare("INSERT OR REPLACE INTO commits VALUES (?, ?, ?)");
  const put = db.prepare("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)");
  const remove = db.prepare("DELETE FROM rows WHERE partition_id = ? AND kind = ? AND key = ?");
  const append = db.prepare("INSERT INTO feed (at_ms, event) VALUES (?, ?)");
  const hint = db.prepare("INSERT OR REPLACE INTO hints VALUES (?, ?, ?)");
  const sweep = createSweeper(db);

  return (args: CommitArgs, known: number | undefined, lastSequence: number): void => {
    const revision = args.expectedRevision + 1;
    const id = known ?? Number(insert.run(args.partition, revision, lastSequence).lastInsertRowid);
    if (known !== undefined) update.run(revision, lastSequence, id);
    remember.run(id, revision % commitIdsKept, args.commitId);
    for (const [kind, key, value, expiresAtMs] of args.puts)
      put.run(id, kind, key, value, expiresAtMs);
    for (const [kind, key] of args.deletes) remove.run(id, kind, key);
    for (const [atMs, event] of args.events) append.run(atMs, event);
    for (const [index, key, value] of args.hints) hint.run(index, key, value);
    sweep(args.nowMs);
  };
}

function createRowReaders(db: Database) {
  const select = "SELECT kind, key, value, expires_at_ms FROM rows WHERE partition_id = ?";
  const live = "(expires_at_ms IS NULL OR expires_at_ms > ?)";
  const order = "ORDER BY kind, key";
  const all = prepareRows<RowTuple>(db, `${select} AND ${live} ${order}`);
  const ofKind = prepareRows<RowTuple>(db, `${select} AND kind = ? AND ${live} ${order}`);
  const one = prepareRows<RowTuple>(db, `${select} AND kind = ? AND key = ? AND ${live}`);
  return {
    load: (id: number, { kinds, nowMs }: LoadArgs): readonly RowTuple[] =>
      kinds === "all"
        ? all.all(id, nowMs)
        : [...new Set(kinds)].flatMap((kind) => ofKind.all(id, kind, nowMs)),
    read: (id: number, { keys, nowMs }: ReadArgs): readonly (RowTuple | undefined)[] =>
      keys.map(([kind, key]) => one.get(id, kind, key, nowMs)),
  };
}
