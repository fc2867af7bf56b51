import type { Clock } from "../../core/ports/clock.js";
import { defineJournalDriver, driverApiVersion } from "../../core/ports/driver.js";
import type { Journal } from "../../core/ports/journal.js";
import type { Log } from "../../core/ports/log.js";
import { createAppend } from "./append.js";
import { type ClusterOptions, createCluster } from "./cluster.js";
import { diagnoseElasticsearch } from "./diagnose.js";
import { indicesOf } from "./indices.js";
import {
  type ElasticsearchOptions,
  elasticsearchOptionsSchema,
  indexPrefixDefault,
  readClusterOptions,
} from "./options.js";
import { search } from "./search.js";
import { createState } from "./state.js";
import { trim } from "./trim.js";

export interface ElasticsearchJournalOptions extends ClusterOptions {
  /** Begins the names of all that the journal makes in the cluster. */
  readonly indexPrefix: string;
  readonly clock: Clock;
  readonly log?: Log;
}

/** Elasticsearch, as a configuration names it. Whether it can be reached shows with the first call. */
export default defineJournalDriver<ElasticsearchOptions>({
  name: "elasticsearch",
  apiVersion: driverApiVersion,
  optionsSchema: elasticsearchOptionsSchema,
  diagnose: (options, _host, call) => diagnoseElasticsearch(options, call),
  async open(options, { clock, log }) {
    const { indexPrefix = indexPrefixDefault } = options;
    return createElasticsearchJournal({
      ...(await readClusterOptions(options)),
      ...{ indexPrefix, clock, log },
    });
  },
});

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
