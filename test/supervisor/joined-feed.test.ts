import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { ColoId } from "../../src/core/model/ids.js";
import type { FeedEntry, OtherFeed, PartitionId, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { createJoinedFeed, type JoinedFeed } from "../../src/supervisor/events/joined-feed.js";
import { commitOf, countTo, eventOf, patientCall } from "../contract/store-samples.js";
import { createTestFolder } from "../drivers/sqlite-files.js";

const call = patientCall();
const clock = createSystemClock();
const iad = "iad" as ColoId;
const ams = "ams" as ColoId;

interface Side {
  readonly store: Store;
  /** What the other colo has of this one's feed. */
  readonly seen: OtherFeed;
  readonly feed: JoinedFeed;
}

/** Two colos, each with a feed of its own, and each with the other's beside it. */
async function openSides(t: TestContext): Promise<Readonly<Record<"iad" | "ams", Side>>> {
  const folder = await createTestFolder();
  const stores = await Promise.all(
    [iad, ams].map((name) => createSqliteStore({ path: folder.file(`${name}.db`), clock })),
  );
  t.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await folder.remove();
  });
  const seen = await Promise.all(stores.map(asOther));
  const sideOf = (mine: 0 | 1, colo: ColoId): Side => {
    const others = new Map([[colo, seen[1 - mine]!]]);
    const store = stores[mine]!;
    const feed = createJoinedFeed({ ...store, otherFeeds: async () => others });
    return { store, seen: seen[mine]!, feed };
  };
  return { iad: sideOf(0, ams), ams: sideOf(1, iad) };
}

async function asOther(store: Store): Promise<OtherFeed> {
  const [name] = (await store.feedHead(call)).split("-");
  return { ...store, isCursor: (text) => text.startsWith(`${name}-`) };
}

const placementIn = (colo: ColoId): PartitionId => ({
  scope: "placement",
  key: `acme/web/${colo}`,
});

/** One event a commit, each a second after the other colo's. */
async function commitEvents(store: Store, colo: ColoId, from: number, count: number) {
  const partition = placementIn(colo);
  for (const n of countTo(count)) {
    const sequence = from + n - 1;
    const atMs = 1_000 * sequence + (colo === ams ? 500 : 0);
    const event: MusterEvent = { ...eventOf(partition, sequence), colo, atMs };
    await store.commit(commitOf(partition, sequence - 1, { events: [event] }), call);
  }
}

async function readOn(feed: JoinedFeed, after: string, pageMax: number) {
  const entries: FeedEntry[] = [];
  for (let cursor = after; ; cursor = entries.at(-1)!.cursor) {
    const page = await feed.readFeed(cursor, pageMax, call);
    if (page.length === 0) return entries;
    entries.push(...page);
  }
}

const sequencesIn = (entries: readonly FeedEntry[], colo: ColoId) =>
  entries.flatMap(({ event }) => (event.colo === colo ? [event.sequence] : []));

test("M7.2 a stream over two colos is by time, without gap or repeat", async (t) => {
  const { iad: here, ams: there } = await openSides(t);
  await commitEvents(here.store, iad, 1, 20);
  await commitEvents(there.store, ams, 1, 20);
  for (const { feed } of [here, there]) {
    const entries = await readOn(feed, "", 7);
    const times = entries.map(({ event }) => event.atMs);
    assert.deepEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    for (const colo of [iad, ams]) assert.deepEqual(sequencesIn(entries, colo), countTo(20));
  }
});

test("M7.2 a cursor taken in one colo goes on in the other, from every place", async (t) => {
  const { iad: here, ams: there } = await openSides(t);
  await commitEvents(here.store, iad, 1, 5);
  await commitEvents(there.store, ams, 1, 5);
  const all = await readOn(here.feed, "", 3);
  for (const [index, { cursor }] of all.entries()) {
    const rest = [...all.slice(0, index + 1), ...(await readOn(there.feed, cursor, 2))];
    for (const colo of [iad, ams]) assert.deepEqual(sequencesIn(rest, colo), countTo(5));
  }
  assert.equal(all.at(-1)!.cursor, await there.feed.feedHead(call));
  assert.equal(await here.feed.feedHead(call), await there.feed.feedHead(call));
});

test("M7.2 a cursor of one feed, from before there were two, is good in both colos", async (t) => {
  const { iad: here, ams: there } = await openSides(t);
  await commitEvents(here.store, iad, 1, 3);
  const [, second] = await here.store.readFeed("", 10, call);
  await commitEvents(there.store, ams, 1, 2);
  for (const { feed } of [here, there]) {
    const rest = await readOn(feed, second!.cursor, 10);
    assert.deepEqual(sequencesIn(rest, iad), [3]);
    assert.deepEqual(sequencesIn(rest, ams), [1, 2]);
  }
});

test("M7.2 only the own feed is trimmed, and who is behind goes on in the other", async (t) => {
  const { iad: here, ams: there } = await openSides(t);
  await commitEvents(here.store, iad, 1, 4);
  await commitEvents(there.store, ams, 1, 4);
  const all = await readOn(here.feed, "", 100);
  const { cursor } = all[3]!; // Two of each.
  const before = await here.feed.feedHead(call);
  await here.feed.trimFeed({ olderThanMs: 3_500, before }, call);
  assert.equal((await there.store.readFeed("", 10, call)).length, 4);
  for (const { feed } of [here, there]) {
    const expired = await feed.readFeed(cursor, 10, call).then(
      () => assert.fail("it lies behind what is kept"),
      (error: unknown) => error,
    );
    assert.ok(isFault(expired, "CURSOR_EXPIRED"));
    const rest = await readOn(feed, expired.facts["resume"]!, 10);
    assert.deepEqual(sequencesIn(rest, iad), [4]);
    assert.deepEqual(sequencesIn(rest, ams), [3, 4]);
  }
});

test("M7.2 what joins no two feeds of this installation is no cursor", async (t) => {
  const { iad: here } = await openSides(t);
  await commitEvents(here.store, iad, 1, 1);
  const own = await here.store.feedHead(call);
  for (const cursor of ["nobody-1", `${own}~${own}`, `${own}~nobody-1`, "~"])
    await assert.rejects(
      here.feed.readFeed(cursor, 1, call),
      (error) => isFault(error, "CURSOR_INVALID"),
      cursor,
    );
});
