import assert from "node:assert/strict";
import { isFault } from "../../src/core/errors/fault.js";
import type { FeedEntry, Store } from "../../src/core/ports/store.js";
import type { StoreCase } from "./store-harness.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  sequencesByPlacement,
} from "./store-samples.js";

const web = placement("web");

/** Events: in sequence, without gap or repeat, from any cursor on, until they are trimmed. */
export function storeFeedCases(check: StoreCase): void {
  const call = patientCall();

  check("STORE-30 events come back whole, in sequence", async ({ store }) => {
    const events = countTo(5).map((n) => eventOf(web, n));
    await store.commit(commitOf(web, 0, { events: events.slice(0, 2) }), call);
    await store.commit(commitOf(web, 1, { events: events.slice(2) }), call);
    const entries = await store.readFeed("", 10, call);
    assert.deepEqual(
      entries.map(({ event }) => event),
      events,
    );
    assert.deepEqual(await store.readFeed(entries.at(-1)?.cursor ?? "", 10, call), []);
  });

  check("STORE-31 no gap and no repeat while many commit and one reads on", async ({ store }) => {
    const partitions = countTo(20).map((n) => placement(`group-${n}`));
    const commitsEach = 15;
    let writing = true;
    const writers = partitions.map(async (partition, index) => {
      const eventsEach = 1 + (index % 3);
      for (let revision = 0; revision < commitsEach; revision++) {
        const first = revision * eventsEach;
        const events = countTo(eventsEach).map((n) => eventOf(partition, first + n));
        await store.commit(commitOf(partition, revision, { events }), call);
      }
    });
    const written = Promise.all(writers).finally(() => {
      writing = false;
    });
    const seen: FeedEntry[] = [];
    const readOn = async () => {
      const page = await store.readFeed(seen.at(-1)?.cursor ?? "", 7, call);
      seen.push(...page);
      return page.length;
    };
    while (writing) await readOn();
    await written;
    while ((await readOn()) > 0);

    const sequences = sequencesByPlacement(seen);
    assert.equal(sequences.size, partitions.length);
    for (const [index, { key }] of partitions.entries())
      assert.deepEqual(sequences.get(key), countTo(commitsEach * (1 + (index % 3))), key);
    // Every other reader sees the same order, from the beginning and from any cursor on.
    const ids = (entries: readonly FeedEntry[]) => entries.map(({ event }) => event.id);
    assert.deepEqual(ids(await readWholeFeed(store, "", 100)), ids(seen));
    for (const index of [0, 1, 99, seen.length - 2]) {
      const rest = await readWholeFeed(store, seen[index]?.cursor ?? "", 50);
      assert.deepEqual(ids(rest), ids(seen.slice(index + 1)));
    }
  });

  check("STORE-32 the head is behind the newest event and before the next", async ({ store }) => {
    assert.deepEqual(await store.readFeed(await store.feedHead(call), 1, call), []);
    const emptyHead = await store.feedHead(call);
    await store.commit(commitOf(web, 0, { events: [eventOf(web, 1)] }), call);
    const head = await store.feedHead(call);
    assert.deepEqual(await store.readFeed(head, 1, call), []);
    await store.commit(commitOf(web, 1, { events: [eventOf(web, 2)] }), call);
    const [next] = await store.readFeed(head, 1, call);
    assert.equal(next?.event.sequence, 2);
    assert.equal((await readWholeFeed(store, emptyHead, 10)).length, 2);
  });

  check(
    "STORE-33 a cursor behind what is kept is expired and tells where to go on",
    async (bench) => {
      const { store } = bench;
      const cursors = await commitEvents(store, 10);
      await store.trimFeed({ olderThanMs: 1_000_000, before: cursors[5] ?? "" }, call);
      for (const cursor of cursors.slice(0, 5)) {
        const error = await store.readFeed(cursor, 10, call).then(
          () => assert.fail("it is not kept"),
          (fault: unknown) => fault,
        );
        assert.ok(isFault(error, "CURSOR_EXPIRED"), String(error));
        const rest = await readWholeFeed(store, error.facts["resume"] ?? "", 2);
        assert.deepEqual(sequencesOf(rest), [7, 8, 9, 10]);
      }
      assert.deepEqual(sequencesOf(await readWholeFeed(store, cursors[5] ?? "", 3)), [7, 8, 9, 10]);
      assert.deepEqual(sequencesOf(await readWholeFeed(store, "", 3)), [7, 8, 9, 10]);
    },
  );

  check(
    "STORE-34 trimming takes what is older and stands behind the mark, no more",
    async (bench) => {
      const { store } = bench;
      const cursors = await commitEvents(store, 10); // At 1,001 to 1,010 ms.
      const trim = async (olderThanMs: number, before: string) => {
        await store.trimFeed({ olderThanMs, before }, call);
        return sequencesOf(await readWholeFeed(store, "", 100));
      };
      assert.deepEqual(await trim(1_000_000, ""), countTo(10));
      assert.deepEqual(await trim(1_003, cursors[9] ?? ""), countTo(10).slice(2));
      assert.deepEqual(await trim(1_003, cursors[9] ?? ""), countTo(10).slice(2));
      assert.deepEqual(await trim(1_000_000, cursors[4] ?? ""), countTo(10).slice(5));
      assert.deepEqual(await trim(1_000_000, cursors[9] ?? ""), []);
      // The sequence goes on, and old positions are not given out again.
      await store.commit(commitOf(web, 10, { events: [eventOf(web, 11)] }), call);
      assert.deepEqual(sequencesOf(await readWholeFeed(store, cursors[9] ?? "", 9)), [11]);
    },
  );

  check("STORE-35 what is no cursor of this feed is refused", async ({ store }) => {
    const [cursor = ""] = await commitEvents(store, 1);
    const wrong = [
      "x",
      "0",
      "-1",
      `${cursor}x`,
      `x${cursor}`,
      `${cursor}zz`,
      "seen:9.9",
      " ",
      "{}",
    ];
    for (const text of wrong) {
      await assert.rejects(
        store.readFeed(text, 1, call),
        (error) => isFault(error, "CURSOR_INVALID"),
        text,
      );
    }
  });

  check("STORE-36 all feeds together have each event once", async ({ store }) => {
    const [cursor = ""] = await commitEvents(store, 1);
    const others = await store.otherFeeds(call);
    for (const [colo, feed] of others) {
      assert.deepEqual(await feed.readFeed("", 1, call), [], colo);
      assert.equal(feed.isCursor(cursor), false, colo);
    }
    assert.doesNotMatch(cursor, /~/);
  });
}

/** As many events of one partition, one a commit; their cursors. */
async function commitEvents(store: Store, count: number): Promise<readonly string[]> {
  for (let revision = 0; revision < count; revision++) {
    const commit = commitOf(web, revision, { events: [eventOf(web, revision + 1)] });
    await store.commit(commit, patientCall());
  }
  return (await readWholeFeed(store, "", count)).map(({ cursor }) => cursor);
}

function sequencesOf(entries: readonly FeedEntry[]): readonly number[] {
  return entries.map(({ event }) => event.sequence);
}
