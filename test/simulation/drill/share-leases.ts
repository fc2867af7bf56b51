import type { PartitionId, Store } from "../../../src/core/ports/store.js";
import { defaultLeaseTimes } from "../../../src/supervisor/colo/leases.js";
import { patient } from "../cluster.js";

/** Each node holds its part of the leases, as after a life before. The nodes start at once. */
export async function shareLeases(
  store: Store,
  colo: string,
  names: readonly string[],
): Promise<void> {
  const { shards, ttlMs } = defaultLeaseTimes;
  for (let shard = 0; shard < shards; shard++) {
    const node = names[shard % names.length];
    const value = JSON.stringify({ node, epoch: 1, ttlMs, released: false });
    const partition: PartitionId = { scope: "lease", key: `${colo}/${shard}` };
    const puts = [{ kind: "lease", key: "self", value }];
    const commit = { partition, expectedRevision: 0, commitId: `lease-${shard}`, puts };
    await store.commit({ ...commit, deletes: [], events: [], hints: [] }, { signal: patient() });
  }
}
