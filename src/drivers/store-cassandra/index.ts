import { randomUUID } from "node:crypto";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Store } from "../../core/ports/store.js";
import type { StoreDefinition } from "../../core/ports/store-definition.js";
import { abortedFault } from "../store-rules/aborted.js";
import { untilAborted } from "../store-rules/until-aborted.js";
import { createBegun, minuteOf } from "./begun.js";
import { createCommitter } from "./commits.js";
import { diagnoseCluster } from "./diagnose.js";
import { causeOf } from "./faults.js";
import { createFeedLog } from "./feed-log.js";
import { createFeedReader, createFeedTrimmer } from "./feed-reader.js";
import { createHints } from "./hints.js";
import { createTurns } from "./key-turns.js";
import { migrate } from "./migrate.js";
import { createNameLister } from "./names.js";
import { type CassandraOptions, cassandraOptionsSchema, readOptions } from "./options.js";
import { createOtherFeeds } from "./other-feeds.js";
import { createOutbox } from "./outbox.js";
import { createPublisher } from "./publisher.js";
import { createRowReader } from "./rows.js";
import { type Tables, tablesOf } from "./schema.js";
import { createSegments } from "./segments.js";
import { openSession, type Session, type SessionOptions, takenEffect } from "./session.js";
import { checkSchema } from "./standing.js";
import { createSweep } from "./sweep.js";

const definition: StoreDefinition<CassandraOptions> = {
  name: "cassandra",
  optionsSchema: cassandraOptionsSchema,
  async open(options, host) {
    const { clock, log } = host;
    return createCassandraStore({ ...(await readOptions(options, host)), clock, log });
  },
  async openAll(options, host) {
    const opened = new Map<string, Store>();
    try {
      for (const colo of Object.keys(options.colos))
        opened.set(colo, await definition.open({ ...options, colo }, { ...host, colos: [] }));
      return opened;
    } catch (error) {
      for (const store of opened.values()) await store.close();
      throw error;
    }
  },
  migrate: async (options, host, way) => migrate(await readOptions(options, host), way),
  diagnose: async (options, host) => diagnoseCluster(await readOptions(options, host)),
};
export default definition;

export interface CassandraStoreOptions extends SessionOptions {
  /** Made by `migrate`. */
  readonly keyspace: string;
  /** Whose events the feed has: those that were committed in this colo. */
  readonly colo: string;
  readonly clock: Clock;
  readonly log?: Log;
}

/**
 * The store of an installation with several nodes or colos: Cassandra, tested with 5.0. Rows and
 * commits are served by this colo's replicas (LOCAL_SERIAL), those of groups and accounts by most
 * replicas of all colos (SERIAL); feed and hints by this colo's (LOCAL_QUORUM).
 *
 * @throws Fault `STORE_UNAVAILABLE`: no contact point answers.
 * @throws Fault `CONFIG_INVALID`: the keyspace is not there, or its tables are of another version.
 */
export async function createCassandraStore(options: CassandraStoreOptions): Promise<Store> {
  const session = await openSession(options);
  try {
    const feed = await checkSchema(session, options.keyspace);
    const tables = tablesOf(options.keyspace);
    await beginFeed(session, tables, options);
    return createStore(session, tables, { ...options, feedOf: (colo) => `${feed}.${colo}` });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** What a colo's feed needs before its first event. */
async function beginFeed(
  session: Session,
  tables: Tables,
  { colo, clock }: CassandraStoreOptions,
): Promise<void> {
  const begin = `INSERT INTO ${tables.feedHeads} (colo, segment, trimmed_segment,
    trimmed_position, cleared_segment, swept_minute) VALUES (?, 1, 1, 0, 0, ?) IF NOT EXISTS`;
  const open = `UPDATE ${tables.feed} SET next = 0 WHERE colo = ? AND segment = 1 IF next = null`;
  const params = [colo, minuteOf(clock.nowMs()) - 1];
  const isNew = takenEffect(await session.writeIf([{ query: begin, params }], "colo"));
  const segments = createSegments(session, tables, colo);
  // Whoever began it may have died in between; a first segment that is deleted must stay so.
  if (!isNew && (await segments.head()).clearedSegment > 0) return;
  takenEffect(await session.writeIf([{ query: open, params: [colo] }], "colo"));
}

function createStore(
  session: Session,
  tables: Tables,
  options: CassandraStoreOptions & { readonly feedOf: (colo: string) => string },
): Store {
  const { clock, log, colo, feedOf } = options;
  const feed = feedOf(colo);
  const writer = randomUUID();
  const inTurn = createTurns();
  const outbox = createOutbox(session, tables, inTurn);
  const segments = createSegments(session, tables, colo);
  const feedLog = createFeedLog({ session, tables, segments, outbox, colo });
  const publisher = createPublisher({ feedLog, outbox, log });
  const base = { session, tables, segments, clock, log, colo, writer };
  const sweep = createSweep({ ...base, publisher });
  const { putHints, deleteHints, listHints } = createHints(session, tables);
  const noteBegun = createBegun(base);
  const { wake, committed } = publisher;
  const commits = createCommitter({
    ...base,
    inTurn,
    outbox,
    noteBegun,
    putHints,
    wake,
    committed,
  });
  const rows = createRowReader(session, tables, clock);
  const listNames = createNameLister(session, tables);
  const settle = async () => {
    sweep();
    await publisher.flush().catch((error: unknown) => {
      log?.warn({ error: causeOf(error) }, "some events are not in the feed yet");
    });
  };
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= publisher
      .flush()
      .catch(() => undefined) // It waits in the outboxes, and others will find it.
      .then(() => session.close());
    return closing;
  };
  const reader = createFeedReader({ segments, feed, settle });
  const { trimFeed } = createFeedTrimmer({ session, tables, segments, colo, feed });
  const otherFeeds = createOtherFeeds({ session, tables, clock, colo, feedOf, heed });
  return {
    load: (partition, kinds, call) => heed(call, () => rows.load(partition, kinds, call)),
    read: (partition, keys, call) => heed(call, () => rows.read(partition, keys, call)),
    commit: async (commit, call) => {
      if (call.signal.aborted) throw abortedFault(call.signal);
      return commits.commit(commit, call);
    },
    wasCommitted: (partition, commitId, call) =>
      heed(call, () => commits.wasCommitted(partition, commitId, call)),
    readFeed: (after, entriesMax, call) =>
      heed(call, () => reader.readFeed(after, entriesMax, call)),
    feedHead: (call) => heed(call, () => reader.feedHead(call)),
    trimFeed: (trim, call) => heed(call, () => trimFeed(trim, call)),
    otherFeeds: (call) => heed(call, otherFeeds),
    putHints: (hints, call) => heed(call, () => putHints(hints, call)),
    deleteHints: (hints, call) => heed(call, () => deleteHints(hints, call)),
    listHints: (page, call) => heed(call, () => listHints(page, call)),
    listNames: (asked, call) => heed(call, () => listNames(asked)),
    close,
  };
}

/** Ends the waiting with the caller's; what was sent takes its course. */
async function heed<Value>(call: Call, work: () => Promise<Value>): Promise<Value> {
  if (call.signal.aborted) throw abortedFault(call.signal);
  return untilAborted(work(), call.signal);
}
