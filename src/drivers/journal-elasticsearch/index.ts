import type { Clock } from "../../core/ports/clock.js";
import type { Journal } from "../../core/ports/journal.js";
import type { Log } from "../../core/ports/log.js";
import { createAppend } from "./append.js";
import { type ClusterOptions, createCluster } from "./cluster.js";
import { indicesOf } from "./indices.js";
import { search } from "./search.js";
import { createState } from "./state.js";
import { trim } from "./trim.js";

export interface ElasticsearchJournalOptions extends ClusterOptions {
  /** Begins the names of all that the journal makes in the cluster. */
  readonly indexPrefix: string;
  readonly clock: Clock;
  readonly log?: Log;
}

/**
 * The journal of an installation with several nodes: Elasticsearch 9, one cluster a colo. What is
 * appended can be found about a second later. Nothing is asked until the first call, so a cluster
 * that is away keeps nobody from starting.
 */
export function createElasticsearchJournal(options: ElasticsearchJournalOptions): Journal {
  const { indexPrefix, clock, log } = options;
  const cluster = createCluster(options);
  const indices = indicesOf(indexPrefix);
  const state = createState(cluster, indices);
  const parts = { cluster, indices, state, clock, log };
  return {
    append: createAppend(parts),
    position: (call) => state.position(call),
    search: (query, call) => search(parts, query, call),
    trim: (olderThanMs, call) => trim(parts, olderThanMs, call),
    close: () => cluster.close(),
  };
}
