import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../src/core/errors/fault.js";
import type { ColoId } from "../../src/core/model/ids.js";
import type { FeedEntry, OtherFeed, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { askOwners } from "../../src/supervisor/events/owned-feeds.js";
import type { AskPeer } from "../../src/supervisor/peers/ask-peer.js";
import { commitOf, countTo, eventOf, patientCall, placement } from "../contract/store-samples.js";
import { createTestFolder } from "../drivers/sqlite-files.js";

const call = patientCall();
const system = createSystemClock();
const ams = "ams" as ColoId;
const web = placement("web");
const log = { info() {}, warn() {}, error() {}, debug() {} };

/** The owner's feed, and a copy of it that goes no further than `arrived`. */
async function openCopy(t: TestContext) {
  const folder = await createTestFolder();
  const owner = await createSqliteStore({ path: folder.file("ams.db"), clock: system });
  t.after(async () => {
    await owner.close();
    await folder.remove();
  });
  let arrived = 0;
  let nowMs = 0;
  let isCut = false;
  const asked: string[] = [];
  const copy: OtherFeed = {
    feedHead: owner.feedHead,
    isCursor: () => true,
    async readFeed(after, entriesMax, given) {
      const page = await owner.readFeed(after, entriesMax, given);
      return page.filter(({ event }) => event.sequence <= arrived);
    },
  };
  const ask = (async (_colo, name, request, caller) => {
    assert.equal(name, "feed.read");
    const { after, entriesMax } = request as { after: string; entriesMax: number };
    asked.push(after);
    if (isCut) throw new Fault("COLO_UNREACHABLE", { say: "it is cut off" });
    return owner.readFeed(after, entriesMax, caller);
  }) as AskPeer;
  const feeds = askOwners({
    store: { otherFeeds: async () => new Map([[ams, copy]]) },
    elsewhere: { colos: new Set([ams]), ask },
    clock: { ...system, monotonicMs: () => nowMs },
    log,
    signal: call.signal,
  });
  const seen: FeedEntry[] = [];
  return {
    ...{ asked, seen, owner },
    arrive: (sequence: number) => {
      arrived = sequence;
    },
    cut: (is: boolean) => {
      isCut = is;
    },
    /** Reads on, as the hub does: again after a second, which passes at once. */
    async readFor(seconds: number) {
      for (const _second of countTo(seconds)) {
        const feed = (await feeds.otherFeeds(call)).get(ams)!;
        seen.push(...(await feed.readFeed(seen.at(-1)?.cursor ?? "", 10, call)));
        nowMs += 1_000;
        await sleep(10); // Lets an answer of the owner come in.
      }
    },
  };
}

async function commitEvents(store: Store, count: number) {
  for (const n of countTo(count))
    await store.commit(commitOf(web, n - 1, { events: [eventOf(web, n)] }), call);
}

const sequences = (entries: readonly FeedEntry[]) => entries.map(({ event }) => event.sequence);

test("M7.3 what arrives in time is read from the copy, and its owner is left alone", async (t) => {
  const { owner, arrive, readFor, seen, asked } = await openCopy(t);
  await commitEvents(owner, 6);
  for (const arrived of [2, 4, 6]) {
    await readFor(2);
    arrive(arrived);
  }
  await readFor(2);
  assert.deepEqual(sequences(seen), countTo(6));
  assert.deepEqual(asked, []);
});

test("M7.3 what does not arrive is asked of its owner, in order and once", async (t) => {
  const { owner, arrive, readFor, seen, asked } = await openCopy(t);
  await commitEvents(owner, 25);
  arrive(5);
  await readFor(12);
  assert.deepEqual(sequences(seen), countTo(25));
  const already = asked.length;
  assert.ok(already >= 2, `the owner was asked ${already} times`);
  arrive(25);
  await readFor(30);
  assert.deepEqual(sequences(seen), countTo(25));
  assert.ok(asked.length - already <= 11, "an owner without more is asked every few seconds");
});

test("M7.3 an owner that is cut off is waited for, and nothing is stepped over", async (t) => {
  const { owner, arrive, cut, readFor, seen, asked } = await openCopy(t);
  await commitEvents(owner, 9);
  arrive(3);
  cut(true);
  await readFor(10);
  assert.deepEqual(sequences(seen), [1, 2, 3]);
  assert.ok(asked.length >= 2);
  cut(false);
  await readFor(5);
  assert.deepEqual(sequences(seen), countTo(9));
});
