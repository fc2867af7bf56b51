import type { ColoId } from "../../core/model/ids.js";
import type { Ids } from "../../core/ports/clock.js";
import type { PartitionId, Store } from "../../core/ports/store.js";
import { commitOnce } from "../commit-once.js";

/** Up to where of the colo's feed each notifier of a shard's groups was told, by its uid. */
export interface Places {
  load(signal: AbortSignal): Promise<ReadonlyMap<string, string>>;
  /**
   * Undefined forgets one.
   *
   * @throws Fault `PLACEMENT_CHANGED`: another node has taken over since `load`.
   */
  save(changes: ReadonlyMap<string, string | undefined>, signal: AbortSignal): Promise<void>;
}

const kind = "told";

export function createPlaces(deps: {
  readonly colo: ColoId;
  readonly shard: number;
  readonly store: Store;
  readonly ids: Ids;
}): Places {
  const { colo, shard, store, ids } = deps;
  const partition: PartitionId = { scope: "colo", key: `${colo}/notifiers/${shard}` };
  let revision = 0;
  return {
    async load(signal) {
      const loaded = await store.load(partition, [kind], { signal });
      revision = loaded.revision;
      return new Map(loaded.rows.map((row) => [row.key, JSON.parse(row.value) as string]));
    },
    async save(changes, signal) {
      const all = [...changes];
      const commit = {
        ...{ partition, expectedRevision: revision, commitId: ids.next(), events: [], hints: [] },
        puts: all.flatMap(([key, cursor]) =>
          cursor === undefined ? [] : [{ kind, key, value: JSON.stringify(cursor) }],
        ),
        deletes: all.flatMap(([key, cursor]) => (cursor === undefined ? [{ kind, key }] : [])),
      };
      revision = await commitOnce(store, commit, signal);
    },
  };
}
