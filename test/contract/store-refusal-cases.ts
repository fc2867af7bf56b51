import assert from "node:assert/strict";
import { Fault, isFault } from "../../src/core/errors/fault.js";
import type { Commit } from "../../src/core/ports/store.js";
import { commitLimits } from "../../src/core/ports/store.js";
import type { StoreCase } from "./store-harness.js";
import { commitOf, countTo, eventOf, patientCall, placement, row } from "./store-samples.js";

const web = placement("web");

/** What is refused, and that nothing of it is left. */
export function storeRefusalCases(check: StoreCase): void {
  const call = patientCall();
  const isBug = (error: unknown) => error instanceof Error && !(error instanceof Fault);

  check(
    "STORE-20 events that do not go on are the caller's bug; nothing is kept",
    async (bench) => {
      const { store } = bench;
      await store.commit(commitOf(web, 0, { events: [eventOf(web, 1)] }), call);
      const wrong = [[1], [3], [2, 4], [2, 2], [3, 2]];
      for (const sequences of wrong) {
        const events = sequences.map((sequence) => eventOf(web, sequence));
        const commit = commitOf(web, 1, { puts: [row("a")], events });
        await assert.rejects(store.commit(commit, call), isBug, String(sequences));
      }
      const loaded = await store.load(web, "all", call);
      assert.deepEqual(loaded, { revision: 1, lastSequence: 1, rows: [] });
      assert.equal((await store.readFeed("", 10, call)).length, 1);
      await store.commit(commitOf(web, 1, { events: [eventOf(web, 2)] }), call);
    },
  );

  check(
    "STORE-21 a stale commit is told so, though its events are out of step too",
    async (bench) => {
      const { store } = bench;
      await store.commit(commitOf(web, 0, { events: [eventOf(web, 1)] }), call);
      const stale = commitOf(web, 0, { events: [eventOf(web, 1)] });
      await assert.rejects(store.commit(stale, call), (error) =>
        isFault(error, "PLACEMENT_CHANGED"),
      );
    },
  );

  check(
    "STORE-22 a row written twice, or text that cannot be kept, is a bug",
    async ({ store }) => {
      const wrong: Partial<Commit>[] = [
        { puts: [row("a", 1), row("a", 2)] },
        { puts: [row("a")], deletes: [{ kind: "server", key: "a" }] },
        { deletes: countTo(2).map(() => ({ kind: "server", key: "a" })) },
        { puts: [row("a\0b")] },
        { puts: [{ ...row("a"), value: '"\ud800"' }] },
        { hints: [{ index: "due", key: "\udc00", value: "" }] },
        { puts: [{ ...row("a"), expiresAtMs: 1.5 }] },
        { events: [eventOf(web, 1, { atMs: 0.5 })] },
      ];
      for (const over of wrong) {
        const commit = commitOf(web, 0, over);
        await assert.rejects(store.commit(commit, call), isBug, JSON.stringify(over));
      }
      assert.equal((await store.load(web, "all", call)).revision, 0);
    },
  );

  check(
    "STORE-23 the limits are kept: at them all is well, over them nothing is",
    async (bench) => {
      const { store } = bench;
      const rows = countTo(commitLimits.rowsMax).map((n) => row(`r${n}`, n));
      const events = countTo(commitLimits.eventsMax).map((n) => eventOf(web, n, { facts: {} }));
      const over: Partial<Commit>[] = [
        { puts: [...rows, row("one more")] },
        { events: [...events, eventOf(web, events.length + 1)] },
        { puts: [row("a", "x".repeat(commitLimits.bytesMax))] },
      ];
      for (const parts of over) {
        await assert.rejects(store.commit(commitOf(web, 0, parts), call), (error) =>
          isFault(error, "LIMIT_EXCEEDED"),
        );
      }
      assert.equal((await store.load(web, "all", call)).revision, 0);
      await store.commit(commitOf(web, 0, { puts: rows, events }), call);
      const loaded = await store.load(web, "all", call);
      assert.equal(loaded.rows.length, commitLimits.rowsMax);
      assert.equal(loaded.lastSequence, commitLimits.eventsMax);
      const big = row("big", "x".repeat(commitLimits.bytesMax - 1_000));
      await store.commit(commitOf(web, 1, { puts: [big] }), call);
      assert.deepEqual(await store.read(web, [{ kind: "server", key: "big" }], call), [big]);
    },
  );

  check("STORE-24 who gave up before asking is answered so, and changes nothing", async (bench) => {
    const { store } = bench;
    const cancelled = { signal: AbortSignal.abort() };
    const late = { signal: AbortSignal.abort(new DOMException("too late", "TimeoutError")) };
    const commit = commitOf(web, 0, { puts: [row("a")] });
    await assert.rejects(store.commit(commit, cancelled), (error) => isFault(error, "CANCELLED"));
    await assert.rejects(store.commit(commit, late), (error) =>
      isFault(error, "DEADLINE_EXCEEDED"),
    );
    for (const read of [
      store.load(web, "all", cancelled),
      store.read(web, [], cancelled),
      store.wasCommitted(web, "x", cancelled),
      store.readFeed("", 1, cancelled),
      store.feedHead(cancelled),
      store.listHints({ index: "due", afterKey: "", hintsMax: 1 }, cancelled),
    ])
      await assert.rejects(read, (error) => isFault(error, "CANCELLED"));
    assert.equal((await store.load(web, "all", call)).revision, 0);
  });

  check("STORE-25 who gives up while many commit learns no untruth", async ({ store }) => {
    const controller = new AbortController();
    const partitions = countTo(60).map((n) => placement(`group-${n}`));
    const commits = partitions.map((partition) => commitOf(partition, 0, { puts: [row("a")] }));
    const results = Promise.allSettled(
      commits.map((commit) => store.commit(commit, { signal: controller.signal })),
    );
    setImmediate(() => controller.abort());
    for (const [index, result] of (await results).entries()) {
      const { partition, commitId } = commits[index] ?? commitOf(web, 0);
      const stands = await store.wasCommitted(partition, commitId, call);
      assert.equal((await store.load(partition, "all", call)).revision, stands ? 1 : 0);
      if (result.status === "fulfilled") assert.equal(stands, true);
      else if (isFault(result.reason, "CANCELLED")) assert.equal(stands, false);
      else assert.ok(isFault(result.reason, "COMMIT_UNKNOWN"), String(result.reason));
    }
  });

  check("STORE-26 a closed store says so, and closes once", async ({ store }) => {
    await store.commit(commitOf(web, 0, { puts: [row("a")] }), call);
    await Promise.all([store.close(), store.close()]);
    const isUnavailable = (error: unknown) => isFault(error, "STORE_UNAVAILABLE");
    await assert.rejects(store.commit(commitOf(web, 1), call), isUnavailable);
    await assert.rejects(store.load(web, "all", call), isUnavailable);
    await assert.rejects(store.readFeed("", 1, call), isUnavailable);
    await store.close();
  });
}
