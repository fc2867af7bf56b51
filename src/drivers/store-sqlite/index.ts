import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { MusterEvent } from "../../core/model/event.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import { type Commit, partitionText, type Row, type Store } from "../../core/ports/store.js";
import { openWorker, type SqliteWorker } from "../sqlite-worker/open-worker.js";
import { commitUnknown } from "../store-rules/aborted.js";
import { checkCommit, checkHints } from "../store-rules/check-commit.js";
import { boundPage, pageLimits } from "../store-rules/page-limits.js";
import type { CommitArgs, RowTuple, StoreOperations } from "./operations.js";

export interface SqliteStoreOptions {
  /** The data file; its folder is made if need be. Held exclusively until `close`. */
  readonly path: string;
  readonly clock: Clock;
  readonly log?: Log;
}

/**
 * The embedded store: one file, durable at every acknowledged commit, one process.
 *
 * @throws Fault `STORE_UNAVAILABLE`: the file is in use or cannot be opened; `facts.file` names it.
 * @throws Fault `CONFIG_INVALID`: the file is something else, or of a newer Muster.
 */
export async function createSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, clock, log } = options;
  const entry = new URL("./worker.js", import.meta.url);
  const worker = await openWorker<StoreOperations>({ entry, path, log });
  return {
    ...partitionMethods(worker, clock),
    ...feedMethods(worker),
    ...hintMethods(worker),
    async listNames({ of, after, namesMax: asked }, call) {
      const namesMax = boundPage(asked, pageLimits.namesMax);
      return worker.ask("listNames", { of, after, namesMax }, { call });
    },
    async backUp(file, call) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, "", { flag: "wx", mode: 0o600 });
      try {
        await worker.ask("backUp", file, { call });
        return await createSqliteStore({ ...options, path: file });
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    close: () => worker.close(),
  };
}

type Worker = SqliteWorker<StoreOperations>;

function partitionMethods(
  worker: Worker,
  clock: Clock,
): Pick<Store, "load" | "read" | "commit" | "wasCommitted"> {
  return {
    async load(id, kinds, call) {
      const args = { partition: partitionText(id), kinds, nowMs: clock.nowMs() };
      const { revision, lastSequence, rows } = await worker.ask("load", args, { call });
      return { revision, lastSequence, rows: rows.map(rowOf) };
    },
    async read(id, keys, call) {
      assert(keys.length <= pageLimits.keysMax, `${keys.length} rows cannot be read at once`);
      const pairs = keys.map(({ kind, key }) => [kind, key] as const);
      const args = { partition: partitionText(id), keys: pairs, nowMs: clock.nowMs() };
      const rows = await worker.ask("read", args, { call });
      return rows.map((row) => row && rowOf(row));
    },
    async commit(commit, call) {
      const { args, bytes } = commitArgs(commit, clock.nowMs());
      const unknownFault = (cause: unknown) => commitUnknown(args.partition, cause);
      return { revision: await worker.ask("commit", args, { call, bytes, unknownFault }) };
    },
    async wasCommitted(id, commitId, call) {
      return worker.ask("wasCommitted", { partition: partitionText(id), commitId }, { call });
    },
  };
}

function commitArgs(commit: Commit, nowMs: number): { args: CommitArgs; bytes: number } {
  const { partition, eventTexts, bytes } = checkCommit(commit);
  const args: CommitArgs = {
    partition,
    expectedRevision: commit.expectedRevision,
    commitId: commit.commitId,
    puts: commit.puts.map((row) => [row.kind, row.key, row.value, row.expiresAtMs ?? null]),
    deletes: commit.deletes.map(({ kind, key }) => [kind, key]),
    sequence: commit.events[0]?.sequence ?? 0,
    events: commit.events.map((event, index) => [event.atMs, eventTexts[index] ?? ""]),
    hints: commit.hints.map(({ index, key, value }) => [index, key, value]),
    startsAfter: commit.startsAfter,
    nowMs,
  };
  return { args, bytes };
}

function rowOf([kind, key, value, expiresAtMs]: RowTuple): Row {
  return expiresAtMs === null ? { kind, key, value } : { kind, key, value, expiresAtMs };
}

type FeedMethod = "readFeed" | "feedHead" | "trimFeed" | "otherFeeds";

function feedMethods(worker: Worker): Pick<Store, FeedMethod> {
  return {
    async readFeed(after, entriesMax, call) {
      const args = { after, entriesMax: boundPage(entriesMax, pageLimits.entriesMax) };
      const entries = await worker.ask("readFeed", args, { call });
      return entries.map(([cursor, text]) => ({ cursor, event: JSON.parse(text) as MusterEvent }));
    },
    async feedHead(call) {
      return worker.ask("feedHead", undefined, { call });
    },
    async trimFeed(trim, call: Call) {
      const args = { olderThanMs: trim.olderThanMs, before: trim.before };
      // Bounded turns: others' commits go in between. Ends with the feed itself.
      while (await worker.ask("trimFeed", args, { call }));
    },
    otherFeeds: async () => new Map(),
  };
}

function hintMethods(worker: Worker): Pick<Store, "putHints" | "deleteHints" | "listHints"> {
  return {
    async putHints(hints, call) {
      checkHints(hints);
      const args = hints.map(({ index, key, value }) => [index, key, value] as const);
      await worker.ask("putHints", args, { call });
    },
    async deleteHints(hints, call) {
      checkHints(hints);
      const args = hints.map(({ index, key }) => [index, key] as const);
      await worker.ask("deleteHints", args, { call });
    },
    async listHints({ index, afterKey, hintsMax }, call) {
      const args = { index, afterKey, hintsMax: boundPage(hintsMax, pageLimits.hintsMax) };
      const hints = await worker.ask("listHints", args, { call });
      return hints.map(([key, value]) => ({ index, key, value }));
    },
  };
}
