import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
import type { FeedEntry, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { tablesOf } from "../../src/drivers/store-cassandra/schema.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  sequencesByPlacement,
} from "../contract/store-samples.js";
import { firstNode, type Home, makeHome } from "./bed.js";

const call = patientCall();
const clock = createSystemClock();

async function withStores(
  count: number,
  body: (stores: readonly Store[], home: Home) => Promise<void>,
) {
  const home = await makeHome();
  const stores: Store[] = [];
  try {
    const colo = firstNode.dataCenter;
    for (let n = 0; n < count; n++)
      stores.push(await createCassandraStore({ ...home, colo, clock }));
    await body(stores, home);
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await home.remove();
  }
}

/** One commit after the other in each placement, by the stores in turn. */
async function commitEvents(stores: readonly Store[], names: readonly string[], each: number) {
  await Promise.all(
    names.map(async (name) => {
      for (let revision = 0; revision < each; revision++) {
        const event = eventOf(placement(name), revision + 1);
        const store = stores[revision % stores.length];
        await store?.commit(commitOf(placement(name), revision, { events: [event] }), call);
      }
    }),
  );
}

test("M7.3 two nodes write one feed: every reader sees all of it, in one order", async () => {
  await withStores(2, async (stores) => {
    const names = countTo(12).map((n) => `group-${n}`);
    await commitEvents(stores, names, 10);
    // Each brings its own into the feed when it is read: only then both see the same.
    await Promise.all(stores.map((store) => store.readFeed("", 1, call)));
    const [one, two] = await Promise.all(stores.map((store) => readWholeFeed(store, "", 17)));
    assert.deepEqual(one, two);
    const sequences = sequencesByPlacement(one ?? []);
    assert.deepEqual(
      [...sequences.values()],
      names.map(() => countTo(10)),
    );
  });
});

test("M7.3 the feed goes on from segment to segment, and whole ones are deleted", async () => {
  await withStores(2, async (stores, home) => {
    const [store] = stores as readonly [Store];
    const names = countTo(75).map((n) => `group-${n}`);
    await commitEvents(stores, names, 30);
    await Promise.all(stores.map((one) => one.readFeed("", 1, call)));
    const entries = await readWholeFeed(store, "", 500);
    const cursors = entries.map(({ cursor }) => cursor);
    assert.equal(new Set(cursors).size, 75 * 30);
    assert.ok(cursors.at(-1)?.includes("-2."), "all of it is in one segment");
    const sequences = sequencesByPlacement(entries);
    assert.deepEqual(
      [...sequences.values()],
      names.map(() => countTo(30)),
    );

    const before = cursors.at(-1) ?? "";
    await store.trimFeed({ olderThanMs: Number.MAX_SAFE_INTEGER, before }, call);
    assert.deepEqual(await store.readFeed("", 1, call), []);
    assert.deepEqual(await store.readFeed(before, 1, call), []);
    assert.deepEqual(await positionsLeft(home, 1), 0);
    await commitEvents(stores, ["next"], 1);
    assert.equal((await readWholeFeed(store, before, 5)).length, 1);
  });
});

test("M7.3 entries of another colo that arrive out of order are never stepped over", async () => {
  await withStores(1, async ([store], home) => {
    const session = await openSession(home);
    try {
      const { feed, feedHeads } = tablesOf(home.keyspace);
      const write = (query: string, params: readonly unknown[]) =>
        session.write([{ query, params }], "colo");
      /** As the other colo's appends arrive here: each whole, in any order. */
      const arrive = (segment: number, position: number) => {
        const text = JSON.stringify([eventOf(placement("far"), 10 * (segment - 1) + position)]);
        const insert = `INSERT INTO ${feed}
        (colo, segment, next, position, partition, last_sequence, count, bytes, events)
        VALUES ('far', ?, ?, ?, 'placement:acme/far/far', ?, 1, 1, ?)`;
        return write(insert, [segment, position, position, position, text]);
      };
      const seal = (segment: number, last: number) =>
        write(`UPDATE ${feed} SET sealed = true, next = ? WHERE colo = 'far' AND segment = ?`, [
          last,
          segment,
        ]);
      await write(
        `INSERT INTO ${feedHeads} (colo, segment, trimmed_segment, trimmed_position,
        cleared_segment, swept_minute) VALUES ('far', 2, 1, 0, 0, 0)`,
        [],
      );
      const others = await store!.otherFeeds(call);
      assert.deepEqual([...others.keys()], ["far"]);
      const far = others.get("far" as ColoId)!;
      const seen: FeedEntry[] = [];
      const readOn = async () => {
        seen.push(...(await far.readFeed(seen.at(-1)?.cursor ?? "", 100, call)));
        return seen.map(({ event }) => event.sequence);
      };

      await arrive(1, 1);
      assert.deepEqual(await readOn(), [1]);
      await arrive(1, 3);
      assert.deepEqual(await readOn(), [1], "the second is missing");
      await arrive(2, 1);
      await seal(1, 4);
      assert.deepEqual(await readOn(), [1], "so it is although the segment is sealed");
      await arrive(1, 2);
      assert.deepEqual(await readOn(), [1, 2, 3], "the fourth is missing before the next segment");
      await arrive(1, 4);
      assert.deepEqual(await readOn(), [1, 2, 3, 4, 11]);
      const ahead = `${seen.at(-1)!.cursor.slice(0, -1)}7`;
      assert.deepEqual(await far.readFeed(ahead, 1, call), [], "others may have read on");
      assert.equal(far.isCursor(ahead), true);
      assert.equal(far.isCursor(await store!.feedHead(call)), false);
    } finally {
      await session.close();
    }
  });
});

async function positionsLeft(home: Home, segment: number): Promise<number> {
  const session = await openSession(home);
  const query = `SELECT position FROM ${home.keyspace}.feed WHERE colo = ? AND segment = ?`;
  const params = [firstNode.dataCenter, segment];
  const rows = await session.rows({ query, params }, { reach: "colo" });
  await session.close();
  return rows.length;
}
