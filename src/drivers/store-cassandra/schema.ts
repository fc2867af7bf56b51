/** A table's name with its keyspace, for use in statements. */
export interface Tables {
  readonly facts: string;
  readonly partitions: string;
  readonly begun: string;
  readonly feed: string;
  readonly feedHeads: string;
  readonly hints: string;
  readonly busyHints: string;
}

export function tablesOf(keyspace: string): Tables {
  return {
    facts: `${keyspace}.facts`,
    partitions: `${keyspace}.partitions`,
    begun: `${keyspace}.begun`,
    feed: `${keyspace}.feed`,
    feedHeads: `${keyspace}.feed_heads`,
    hints: `${keyspace}.hints`,
    busyHints: `${keyspace}.busy_hints`,
  };
}

/**
 * What lies side by side in a partition of `partitions`, in this order. Reads of one section never
 * pass through another's tombstones.
 */
export const sections = {
  /** One empty row, so that a read of a partition without rows still gives its static columns. */
  head: 0,
  rows: 1,
  /** Events of commits that are not known to be in the feed: one row a commit. */
  outbox: 2,
  /** Ids of the last commits, in `commitIdsKept` slots that go round. */
  commits: 3,
} as const;

/** How many commit ids each partition remembers. */
export const commitIdsKept = 1_000;

/** Of how many partitions each busy index is. Another number would need hints to be moved. */
export const busyShards = 16;

/** The index, in `hints`, of the busy indexes' names. */
export const busyNames = "busy";

const dayS = 86_400;
/** How long a deleted hint of a busy index is in its readers' way. */
const busyGraceS = 600;

/**
 * Each may run again where it has run before. Why the tables are as they are, how large their
 * partitions grow and where their tombstones lie: docs/cassandra.md.
 */
export function migrationsOf(tables: Tables): readonly (readonly string[])[] {
  return [
    [
      `CREATE TABLE IF NOT EXISTS ${tables.partitions} (
         partition text, section tinyint, kind text, key text,
         revision bigint static, last_sequence bigint static,
         published bigint static, fences bigint static,
         value text, expires_at_ms bigint,
         PRIMARY KEY (partition, section, kind, key)
       ) WITH compaction = {'class': 'LeveledCompactionStrategy'}
         AND gc_grace_seconds = ${dayS}`,
      `CREATE TABLE IF NOT EXISTS ${tables.begun} (
         colo text, minute bigint, writer text, partition text,
         PRIMARY KEY ((colo, minute), writer, partition)
       ) WITH compaction = {'class': 'TimeWindowCompactionStrategy',
                            'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}
         AND default_time_to_live = ${30 * dayS} AND gc_grace_seconds = ${dayS}`,
      `CREATE TABLE IF NOT EXISTS ${tables.feed} (
         colo text, segment bigint, position bigint,
         next bigint static, sealed boolean static,
         partition text, last_sequence bigint, count int, bytes int, events text,
         PRIMARY KEY ((colo, segment), position)
       ) WITH gc_grace_seconds = ${dayS}`,
      `CREATE TABLE IF NOT EXISTS ${tables.feedHeads} (
         colo text PRIMARY KEY,
         segment bigint, trimmed_segment bigint, trimmed_position bigint,
         cleared_segment bigint, swept_minute bigint
       )`,
      `CREATE TABLE IF NOT EXISTS ${tables.hints} (
         name text, key text, value text,
         PRIMARY KEY (name, key)
       ) WITH compaction = {'class': 'LeveledCompactionStrategy'}
         AND gc_grace_seconds = ${3 * 3_600}`,
    ],
    [
      `CREATE TABLE IF NOT EXISTS ${tables.busyHints} (
         name text, shard int, key text, value text,
         PRIMARY KEY ((name, shard), key)
       ) WITH compaction = {'class': 'LeveledCompactionStrategy',
                            'tombstone_compaction_interval': ${busyGraceS}}
         AND gc_grace_seconds = ${busyGraceS}
         AND memtable_flush_period_in_ms = ${busyGraceS * 1_000}`,
    ],
  ];
}
