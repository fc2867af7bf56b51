import assert from "node:assert/strict";
import { test } from "node:test";
import type { OutboxEntry } from "../../src/drivers/store-cassandra/outbox.js";
import { createOwnEvents } from "../../src/drivers/store-cassandra/own-events.js";
import { countTo } from "../contract/store-samples.js";

const entry = (last: number, over: Partial<OutboxEntry> = {}): OutboxEntry => ({
  ...{ partition: "web", last, count: 1, events: "[]" },
  ...over,
});

function ownOf(entries: readonly OutboxEntry[]) {
  const own = createOwnEvents();
  for (const one of entries) own.add(one);
  const lasts = (after: number | undefined) => own.goingOn("web", after)?.map(({ last }) => last);
  return { own, lasts };
}

test("M7.3 events go to the feed from memory only where none can be missing", () => {
  const { own, lasts } = ownOf([entry(5), entry(8, { count: 3 })]);
  assert.deepEqual(lasts(4), [5, 8]);
  assert.deepEqual(lasts(5), [8], "the others are in the feed");
  assert.equal(lasts(3), undefined, "the fourth is somewhere else");
  assert.equal(lasts(undefined), undefined, "where the feed is, nobody knows");
  assert.equal(own.goingOn("db", 4), undefined);
  own.drop("web", 5);
  own.add(entry(10));
  assert.equal(lasts(5), undefined, "the ninth is somewhere else");
  own.forget("web");
  own.add(entry(11));
  assert.deepEqual(lasts(10), [11]);
});

test("M7.3 what is too much for memory is not taken for all there is", () => {
  const { own, lasts } = ownOf(countTo(50).map((last) => entry(last)));
  assert.equal(lasts(0)?.length, 50);
  own.add(entry(51));
  assert.equal(lasts(0), undefined);

  const events = "x".repeat(8 * 1024 * 1024);
  const large = ownOf([entry(1, { partition: "db", events }), entry(1, { events })]);
  assert.deepEqual(large.lasts(0), [1]);
  large.own.add(entry(2));
  assert.equal(large.lasts(0), undefined, "there is no room for the second");
  large.own.drop("db", 1);
  large.own.add(entry(3));
  assert.deepEqual(large.lasts(2), [3]);
});
