import assert from "node:assert/strict";
import { isFault } from "../../src/core/errors/fault.js";
import type { PartitionId } from "../../src/core/ports/store.js";
import type { StoreCase } from "./store-harness.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  row,
} from "./store-samples.js";

const web = placement("web");

/** Revisions, rows, expiry, and finding a commit again. */
export function storeCommitCases(check: StoreCase): void {
  const call = patientCall();

  check(
    "STORE-01 a partition never written has revision 0 and nothing in it",
    async ({ store }) => {
      const loaded = await store.load(web, "all", call);
      assert.deepEqual(loaded, { revision: 0, lastSequence: 0, rows: [] });
      assert.deepEqual(await store.read(web, [{ kind: "server", key: "a" }], call), [undefined]);
      assert.equal(await store.wasCommitted(web, "never", call), false);
    },
  );

  check("STORE-02 each commit grows the revision by one and is seen at once", async ({ store }) => {
    const events = [eventOf(web, 1), eventOf(web, 2)];
    const first = await store.commit(commitOf(web, 0, { puts: [row("a")], events }), call);
    assert.equal(first.revision, 1);
    const loaded = await store.load(web, "all", call);
    assert.deepEqual(loaded, { revision: 1, lastSequence: 2, rows: [row("a")] });
    const second = await store.commit(commitOf(web, 1, { puts: [row("b")] }), call);
    assert.equal(second.revision, 2);
    const again = await store.load(web, "all", call);
    assert.deepEqual(again, { revision: 2, lastSequence: 2, rows: [row("a"), row("b")] });
  });

  check("STORE-03 a stale writer loses, and leaves nothing", async ({ store }) => {
    await store.commit(commitOf(web, 0, { puts: [row("a")] }), call);
    const before = await store.load(web, "all", call);
    const over = { puts: [row("b")], deletes: [{ kind: "server", key: "a" }] };
    for (const expectedRevision of [0, 2, 7]) {
      const stale = commitOf(web, expectedRevision, { ...over, events: [eventOf(web, 1)] });
      await assert.rejects(store.commit(stale, call), (error) =>
        isFault(error, "PLACEMENT_CHANGED"),
      );
      assert.equal(await store.wasCommitted(web, stale.commitId, call), false);
    }
    assert.deepEqual(await store.load(web, "all", call), before);
    assert.deepEqual(await readWholeFeed(store, "", 10), []);
  });

  check("STORE-04 of many at one revision exactly one wins", async ({ store }) => {
    const rivals = countTo(30).map((n) => commitOf(web, 0, { puts: [row("winner", n)] }));
    const results = await Promise.allSettled(rivals.map((rival) => store.commit(rival, call)));
    const winners = results.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
    assert.equal(winners.length, 1);
    const { revision, rows } = await store.load(web, "all", call);
    assert.equal(revision, 1);
    assert.deepEqual(rows, [row("winner", (winners[0] ?? 0) + 1)]);
    for (const [index, rival] of rivals.entries())
      assert.equal(await store.wasCommitted(web, rival.commitId, call), index === winners[0]);
  });

  check("STORE-05 a refused commit takes no other with it", async ({ store }) => {
    const partitions = countTo(40).map((n) => placement(`group-${n}`));
    const results = await Promise.allSettled(
      partitions.map((partition, index) => {
        const expectedRevision = index % 4 === 1 ? 9 : 0; // Stale: refused.
        const sequence = index % 4 === 2 ? 5 : 1; // A gap: a bug of the caller.
        const events = [eventOf(partition, sequence)];
        const puts = [row("a", index), row("b", index)];
        return store.commit(commitOf(partition, expectedRevision, { puts, events }), call);
      }),
    );
    for (const [index, partition] of partitions.entries()) {
      const stands = index % 4 === 0 || index % 4 === 3;
      assert.equal(results[index]?.status, stands ? "fulfilled" : "rejected");
      const loaded = await store.load(partition, "all", call);
      assert.equal(loaded.revision, stands ? 1 : 0);
      assert.equal(loaded.lastSequence, stands ? 1 : 0);
      assert.equal(loaded.rows.length, stands ? 2 : 0);
    }
    assert.equal((await readWholeFeed(store, "", 100)).length, 20);
  });

  check("STORE-06 a put replaces, a delete removes, a second delete is no harm", async (bench) => {
    const { store } = bench;
    const gone = { kind: "server", key: "b" };
    await store.commit(commitOf(web, 0, { puts: [row("a", 1), row("b", 1)] }), call);
    await store.commit(commitOf(web, 1, { puts: [row("a", 2)], deletes: [gone] }), call);
    await store.commit(commitOf(web, 2, { deletes: [gone] }), call);
    assert.deepEqual((await store.load(web, "all", call)).rows, [row("a", 2)]);
  });

  check("STORE-07 rows are found by kind, and by key in the order asked for", async ({ store }) => {
    const puts = [row("a"), row("b"), row("a", 1, "receipt"), row("z", 2, "mark")];
    await store.commit(commitOf(web, 0, { puts }), call);
    const kinds = ["mark", "server", "mark", "nothing"];
    const { rows } = await store.load(web, kinds, call);
    assert.deepEqual(new Set(rows), new Set([row("a"), row("b"), row("z", 2, "mark")]));
    assert.equal(rows.length, 3);
    assert.deepEqual((await store.load(web, [], call)).rows, []);
    const keys = [
      { kind: "server", key: "b" },
      { kind: "server", key: "z" },
      { kind: "receipt", key: "a" },
      { kind: "server", key: "b" },
    ];
    const read = await store.read(web, keys, call);
    assert.deepEqual(read, [row("b"), undefined, row("a", 1, "receipt"), row("b")]);
  });

  check("STORE-08 partitions are apart, also those of one key in two scopes", async ({ store }) => {
    const partitions: PartitionId[] = [
      { scope: "placement", key: "acme/web" },
      { scope: "group", key: "acme/web" },
      { scope: "group", key: "acme/web/" },
      { scope: "group", key: "ACME/web" },
    ];
    for (const [index, partition] of partitions.entries())
      await store.commit(commitOf(partition, 0, { puts: [row("a", index)] }), call);
    for (const [index, partition] of partitions.entries()) {
      const { revision, rows } = await store.load(partition, "all", call);
      assert.deepEqual([revision, rows], [1, [row("a", index)]]);
    }
  });

  check("STORE-09 a commit whose answer was lost is found again by its id", async (bench) => {
    const { store } = bench;
    for (let round = 0; round < 8; round++) {
      const { revision } = await store.load(web, "all", call);
      const commit = commitOf(web, revision, { puts: [row("a", round)] });
      const error = await bench.commitLosingAnswer(commit);
      assert.ok(isFault(error, "COMMIT_UNKNOWN"), String(error));
      const stands = await store.wasCommitted(web, commit.commitId, call);
      const after = await store.load(web, "all", call);
      assert.equal(after.revision, revision + (stands ? 1 : 0));
      const [read] = await store.read(web, [{ kind: "server", key: "a" }], call);
      assert.equal(read?.value === JSON.stringify(round), stands);
    }
    assert.equal(bench.answersLost(), 8);
  });

  check("STORE-10 the last 1,000 commits are known, each in its partition", async ({ store }) => {
    const ids: string[] = [];
    for (let revision = 0; revision < 1_001; revision++) {
      const commit = commitOf(web, revision);
      ids.push(commit.commitId);
      await store.commit(commit, call);
    }
    for (const index of [1, 2, 500, 999, 1_000])
      assert.equal(await store.wasCommitted(web, ids[index] ?? "", call), true, String(index));
    assert.equal(await store.wasCommitted(placement("db"), ids[1_000] ?? "", call), false);
  });

  check("STORE-11 text comes back as it was, whatever its letters and its size", async (bench) => {
    const { store } = bench;
    const texts = ["", "'; DROP TABLE rows; --", "\u{1F600}\u{1F468}\u200d\u{1F469}", "e\u0301 é"];
    const escaped = "\0\ud800\n\u2028"; // JSON writes these as escapes.
    const puts = [...texts, escaped, "x".repeat(2_000_000)].map((text, index) => ({
      kind: texts[index] ?? "kind",
      key: `${texts[index] ?? "key"}${index}`,
      value: JSON.stringify({ text }),
    }));
    const events = [eventOf(web, 1, { message: escaped, facts: { text: texts[2] ?? "" } })];
    await store.commit(commitOf(web, 0, { puts, events }), call);
    assert.deepEqual(new Set((await store.load(web, "all", call)).rows), new Set(puts));
    assert.deepEqual(await store.read(web, puts, call), puts);
    assert.deepEqual((await store.readFeed("", 1, call))[0]?.event, events[0]);
  });

  check("STORE-12 an expired row reads as absent from that moment on", async (bench) => {
    const { store } = bench;
    const expiresAtMs = bench.nowMs() + 60_000;
    const puts = [{ ...row("a"), expiresAtMs }, row("b")];
    await store.commit(commitOf(web, 0, { puts }), call);
    const keys = [{ kind: "server", key: "a" }];
    assert.deepEqual((await store.load(web, "all", call)).rows, puts);
    assert.deepEqual(await store.read(web, keys, call), [puts[0]]);
    bench.advance(expiresAtMs - bench.nowMs());
    assert.deepEqual((await store.load(web, "all", call)).rows, [row("b")]);
    assert.deepEqual((await store.load(web, ["server"], call)).rows, [row("b")]);
    assert.deepEqual(await store.read(web, keys, call), [undefined]);
    // It may be put again, with and without an end.
    await store.commit(commitOf(web, 1, { puts: [row("a", "again")] }), call);
    assert.deepEqual(await store.read(web, keys, call), [row("a", "again")]);
  });

  check("STORE-15 a row's end may be as far away as anyone likes", async (bench) => {
    const { store } = bench;
    const puts = [1, 10, 15, 25, 100].map((years) => ({
      ...row(`in ${years} years`),
      expiresAtMs: bench.nowMs() + years * 365 * 24 * 3_600_000,
    }));
    await store.commit(commitOf(web, 0, { puts }), call);
    assert.deepEqual(await store.read(web, puts, call), puts);
  });

  check("STORE-14 this colo's copy has what was committed here", async ({ store }) => {
    const near = { ...call, from: "replica" } as const;
    assert.deepEqual(await store.load(web, "all", near), {
      revision: 0,
      lastSequence: 0,
      rows: [],
    });
    await store.commit(commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)] }), call);
    const loaded = { revision: 1, lastSequence: 1, rows: [row("a")] };
    assert.deepEqual(await store.load(web, "all", near), loaded);
    assert.deepEqual(await store.read(web, [{ kind: "server", key: "a" }], near), [row("a")]);
  });

  check("STORE-13 thousands of expired rows hinder nobody", async (bench) => {
    const { store } = bench;
    const expiresAtMs = bench.nowMs() + 1_000;
    const puts = countTo(2_500).map((n) => ({ ...row(`r${n}`), expiresAtMs }));
    await store.commit(commitOf(web, 0, { puts }), call);
    bench.advance(5_000);
    for (let revision = 1; revision < 10; revision++) {
      await store.commit(commitOf(web, revision, { puts: [row("live", revision)] }), call);
      bench.advance(2_000);
      assert.deepEqual((await store.load(web, "all", call)).rows, [row("live", revision)]);
    }
  });
}
