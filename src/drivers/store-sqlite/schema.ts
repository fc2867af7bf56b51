import type { Schema } from "../sqlite-worker/open-database.js";

/** How many commit ids each partition remembers. */
export const commitIdsKept = 1_000;

/** Of which feed a cursor is. */
export const newFeedName = "lower(hex(randomblob(4)))";

/**
 * Names of partitions are kept once and stand as integers elsewhere, so that a server's row costs
 * little more than its document. Rows lie in the order of partition, kind and key: a load reads
 * neighbours. Commit ids go round in `commitIdsKept` slots, so that none needs deleting.
 */
export const storeSchema: Schema = {
  applicationId: 0x4d757374,
  durability: "full",
  migrations: [
    `
    CREATE TABLE IF NOT EXISTS facts (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO facts VALUES ('feed', ${newFeedName}), ('trimmed', '0');

    CREATE TABLE IF NOT EXISTS partitions (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      revision INTEGER NOT NULL,
      last_sequence INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE IF NOT EXISTS rows (
      partition_id INTEGER NOT NULL,
      kind TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      expires_at_ms INTEGER,
      PRIMARY KEY (partition_id, kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS rows_by_expiry ON rows (expires_at_ms)
      WHERE expires_at_ms IS NOT NULL;

    CREATE TABLE IF NOT EXISTS commits (
      partition_id INTEGER NOT NULL,
      slot INTEGER NOT NULL,
      commit_id TEXT NOT NULL,
      PRIMARY KEY (partition_id, slot)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE IF NOT EXISTS feed (
      position INTEGER PRIMARY KEY AUTOINCREMENT,
      at_ms INTEGER NOT NULL,
      event TEXT NOT NULL
    ) STRICT;

    CREATE TABLE IF NOT EXISTS hints (
      name TEXT NOT NULL,
      key TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (name, key)
    ) STRICT, WITHOUT ROWID;
    `,
  ],
};
