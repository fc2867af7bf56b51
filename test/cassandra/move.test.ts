import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import type { Store } from "../../src/core/ports/store.js";
import { createCassandraStore } from "../../src/drivers/store-cassandra/index.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { countTo } from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { account, createSite, inService, makeGroup, scaleTo, web } from "../move/installation.js";
import {
  alone,
  assertSame,
  breakingAfter,
  exported,
  imported,
  play,
  steps,
} from "../move/stores.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { addressOf, firstNode, makeHome, ownNodes, replicas } from "./bed.js";

/** Each empties all tables, which takes seconds. */
const runs = 4;
const colo = firstNode.dataCenter;

describe("moving to and from Cassandra", async () => {
  const home = await makeHome();
  after(() => home.remove());
  const openMemory = () =>
    createMemoryStore({ clock: createRunningClock(), random: createRandom(1) });
  const withCassandra = async (body: (store: Store) => Promise<void>) => {
    const store = await createCassandraStore({ ...home, colo, clock: createRunningClock() });
    try {
      await body(store);
    } finally {
      await store.close();
      await home.empty();
    }
  };

  test("M3.2 what goes to Cassandra and back is the same, broken off or not", async () => {
    let broke = 0;
    const property = fc.asyncProperty(steps, fc.nat(3), async (all, commits) => {
      const source = openMemory();
      await play(source, all);
      const before = await exported(alone(source));
      await withCassandra(async (store) => {
        const breaking = breakingAfter(store, commits);
        await imported(alone(breaking.store), before).catch(() => {});
        if (breaking.broke()) broke += 1;
        await imported(alone(store), before, true);
        const there = await exported(alone(store));
        assertSame(there, before);
        const target = openMemory();
        await imported(alone(target), there);
        assertSame(await exported(alone(target)), before);
      });
    });
    await fc.assert(property, { numRuns: runs });
    assert.ok(broke > 0, "none broke off");
  });

  test("M3.2 what is written in Cassandra comes out of it whole", async () => {
    const property = fc.asyncProperty(steps, async (all) => {
      await withCassandra(async (store) => {
        await play(store, all);
        const before = await exported(alone(store));
        const target = openMemory();
        await imported(alone(target), before);
        assertSame(await exported(alone(target)), before);
      });
    });
    await fc.assert(property, { numRuns: runs });
  });
});

test("M3.2 an installation moves to Cassandra with all that it knows, and back", async (t) => {
  const home = await makeHome();
  t.after(() => home.remove());
  const site = await createSite(t, colo);
  const copies = Object.entries(replicas()).map(([name, count]) => [name, { replicas: count }]);
  const options = {
    ...{ contactPoints: ownNodes.map(addressOf), colo, keyspace: home.keyspace },
    colos: Object.fromEntries(copies),
  };
  const store = { use: "builtin:cassandra", options };
  const shared = { installation: "here", store };
  const own = { installation: "here" };

  const first = await site.start("first", own);
  await makeGroup(first.client, colo);
  const ask = { name: web, target: 4, requestId: "r" };
  const { receipt } = await first.client.scaling.setTarget(ask);
  await inService(first.client, 4);
  await site.stop(first.muster);
  await site.export("first", "one.export", own);
  await site.import("first", "one.export", { isMoved: true }, shared);

  // The same data folder: its journal stood in the other store's feed.
  const second = await site.start("first", shared);
  const again = await second.client.scaling.setTarget(ask);
  assert.equal(again.receipt?.eventId, receipt?.eventId);
  await assert.rejects(site.export("first", "early.export", shared), /a Muster works with the/);
  await assert.rejects(
    site.import("first", "one.export", { isMoved: true }, shared),
    /a Muster works with the store/,
  );
  await scaleTo(second.client, 2);
  await site.stop(second.muster);
  await site.export("first", "two.export", shared);
  await site.import("third", "two.export", { isMoved: true }, own);

  const third = await site.start("third", own);
  const last = await third.client.scaling.setTarget(ask);
  assert.equal(last.receipt?.eventId, receipt?.eventId);
  await scaleTo(third.client, 3);
  assert.equal(site.cloud.servers().length, 3);
  const made = site.cloud.effects.filter(({ kind }) => kind === "created").length;
  assert.equal(made, 5, "none was made twice");
  const batches = third.client.events.subscribe({ parent: account, fromStart: true });
  const sequences: number[] = [];
  for await (const { events } of batches) {
    sequences.push(...events.map(({ sequence }) => Number(sequence)));
    if (events.length === 0) break;
  }
  assert.deepEqual(sequences, countTo(sequences.length), "its sequence has neither gap nor repeat");
});
