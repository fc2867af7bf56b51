import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../../src/core/errors/fault.js";
import type { EventId } from "../../src/core/model/ids.js";
import type { Log } from "../../src/core/ports/log.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createElasticsearchJournal } from "../../src/drivers/journal-elasticsearch/index.js";
import { openLink } from "../cassandra/link.js";
import { entriesOf, queryOf } from "../contract/journal-harness.js";
import { countTo, patientCall } from "../contract/store-samples.js";
import { server } from "./bed/node.js";
import { untilReady } from "./bed/ready.js";
import { ask, type ElasticsearchBench, openJournalBench, until } from "./journal-bench.js";

const call = patientCall();
const isUnavailable = (error: unknown) => isFault(error, "STORE_UNAVAILABLE");

function withBench(title: string, body: (bench: ElasticsearchBench) => Promise<void>): void {
  test(title, async () => {
    const bench = await openJournalBench();
    try {
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

async function sequencesIn({ journal, settle }: ElasticsearchBench): Promise<readonly number[]> {
  await settle();
  const query = queryOf({ order: "oldestFirst", eventsMax: 1_000 });
  const { events } = await journal.search(query, call);
  return events.map(({ sequence }) => sequence);
}

withBench(
  "M7.3 events whose answer was lost are there once when they come again",
  async (bench) => {
    const { hostname: address, port } = new URL(server.url);
    const link = await openLink([{ address, port: Number(port) }]);
    const { indexPrefix } = bench;
    const clock = createSystemClock();
    const nodes = [`http://${link.address}`];
    const journal = createElasticsearchJournal({ nodes, indexPrefix, clock });
    const entries = entriesOf(20);
    try {
      await journal.append(entries.slice(0, 5), call);
      link.lose(entries[7]!.event.id, "after");
      await assert.rejects(journal.append(entries.slice(5, 10), call), isUnavailable);
      assert.equal(link.lost, 1, "nothing was lost");
      // Taken by the server, which may not be through with it yet.
      await until(async () => (await sequencesIn(bench)).length === 10, "what was lost");
      assert.equal(await bench.journal.position(call), "cursor-5");
      link.heal();
      await journal.append(entries.slice(5), call);
      assert.deepEqual(await sequencesIn(bench), countTo(20));
      assert.equal(await bench.journal.position(call), "cursor-20");
    } finally {
      await journal.close();
      await link.close();
    }
  },
);

withBench(
  "M7.3 a cluster without room is waited for, and then has every event once",
  async (bench) => {
    const { journal, indexPrefix } = bench;
    const entries = entriesOf(50);
    await journal.append(entries.slice(0, 10), call);
    // What a cluster does to its indices when a disk is full: 429 for each document.
    const block = (isOn: true | null) =>
      ask("PUT", `/${indexPrefix}-events-*/_settings`, {
        "index.blocks.read_only_allow_delete": isOn,
      });
    await block(true);
    let isDone = false;
    const appended = journal.append(entries, call).then(() => {
      isDone = true;
    });
    await sleep(1_500);
    assert.equal(isDone, false, "it was written: the block is none");
    assert.equal(await journal.position(call), "cursor-10");
    await block(null);
    await appended;
    assert.deepEqual(await sequencesIn(bench), countTo(50));
    assert.equal(await journal.position(call), "cursor-50");
  },
);

withBench("M7.3 an event that cannot be indexed keeps no other from it", async (bench) => {
  const { indexPrefix } = bench;
  const logged: unknown[] = [];
  const note: Log["error"] = (fields) => void logged.push(fields);
  const log = { info() {}, warn() {}, error: note, debug() {} };
  const clock = createSystemClock();
  const journal = createElasticsearchJournal({ nodes: [server.url], indexPrefix, clock, log });
  const facts = { "no\0name": "of a field" };
  await journal.append(
    entriesOf(5, (n) => (n === 3 ? { facts } : {})),
    call,
  );
  await journal.close();
  assert.deepEqual(await sequencesIn(bench), [1, 2, 4, 5]);
  assert.equal(await bench.journal.position(call), "cursor-5");
  const event = entriesOf(3)[2]!.event.id;
  assert.deepEqual(logged, [{ event, type: "document_parsing_exception" }]);
});

withBench("M7.3 whatever facts there are, the mapping stays as it is", async (bench) => {
  const { journal, indexPrefix } = bench;
  const mapping = async () => {
    const found = await ask("GET", `/${indexPrefix}-events-1970-01-01/_mapping`);
    return JSON.stringify(found);
  };
  await journal.append(entriesOf(1), call);
  const before = await mapping();
  await journal.append(
    entriesOf(1_500, (n) => ({ facts: { [`name.${n}`]: n % 2 ? n : `text ${n}` } })),
    call,
  );
  assert.equal(await mapping(), before);
  await bench.settle();
  const { events } = await journal.search(queryOf({ text: "name.777" }), call);
  assert.deepEqual(
    events.map(({ facts }) => facts),
    [{ "name.777": 777 }],
  );
});

withBench("a prefix finds every word that begins so, however many there are", async (bench) => {
  const { journal } = bench;
  const entries = entriesOf(2_400, (n) => ({
    message: `server web-0${n} is ready`,
    facts: {},
    id: `event-${n}` as EventId,
  }));
  await journal.append(entries, call);
  await bench.settle();
  for (const text of ["0*", "web-0*", "server web-0*"]) {
    let count = 0;
    for (let pageToken = ""; ; ) {
      const page = await journal.search(queryOf({ text, eventsMax: 1_000, pageToken }), call);
      count += page.events.length;
      if (page.nextPageToken === undefined) break;
      pageToken = page.nextPageToken;
    }
    assert.equal(count, 2_400, text);
  }
  const { events } = await journal.search(queryOf({ text: "web-012*", eventsMax: 1_000 }), call);
  assert.equal(events.length, 111, "12, 120 to 129, 1200 to 1299");
});

withBench(
  "M7.3 a frozen cluster keeps nobody beyond their deadline; a dead one says so",
  async (bench) => {
    const { journal } = bench;
    const entries = entriesOf(30);
    await journal.append(entries.slice(0, 10), call);
    await server.pause();
    try {
      const startMs = Date.now();
      const impatient = { signal: AbortSignal.timeout(500) };
      const isLate = (error: unknown) => isFault(error, "DEADLINE_EXCEEDED");
      await assert.rejects(journal.search(queryOf(), impatient), isLate);
      await assert.rejects(journal.append(entries, { signal: AbortSignal.timeout(500) }), isLate);
      assert.ok(Date.now() - startMs < 3_000, "they waited for the server");
    } finally {
      await server.resume();
    }
    await journal.append(entries.slice(0, 20), call);
    await server.kill();
    await assert.rejects(journal.append(entries, call), isUnavailable);
    await assert.rejects(journal.search(queryOf(), call), isUnavailable);
    await server.launch();
    await untilReady(server);
    assert.equal(await journal.position(call), "cursor-20", "what was acknowledged is kept");
    await journal.append(entries.slice(20), call);
    assert.deepEqual(await sequencesIn(bench), countTo(30));
  },
);
