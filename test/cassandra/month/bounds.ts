/** What docs/cassandra.md promises of a table: how large partitions are, what a slice passes. */
export interface Bounds {
  readonly partitionBytesMax: number;
  readonly tombstonesMax: number;
}

const mib = 1024 * 1024;

/**
 * `nodetool` knows sizes by classes that are a fifth wider each: none is so near to its limit that
 * it matters.
 */
export const bounds: Readonly<Record<string, Bounds>> = {
  // 500 servers, a day's receipts, 1,000 commit ids, and what of them was overwritten lately.
  partitions: { partitionBytesMax: 2 * mib, tombstonesMax: 2_500 },
  // 2,000 commits or 16 MiB, and the last commit beyond that.
  feed: { partitionBytesMax: 24 * mib, tombstonesMax: 0 },
  feed_heads: { partitionBytesMax: 4_096, tombstonesMax: 0 },
  begun: { partitionBytesMax: 4_096, tombstonesMax: 0 },
  hints: { partitionBytesMax: 10 * mib, tombstonesMax: 100 },
  busy_hints: { partitionBytesMax: mib, tombstonesMax: 1_000 },
  facts: { partitionBytesMax: 4_096, tombstonesMax: 100 },
};
