import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { AccountId, EventId, GroupId, ServerId } from "../../src/core/model/ids.js";
import type { Journal, JournalQuery } from "../../src/core/ports/journal.js";
import { entriesOf, type JournalCase, type JournalHarness, queryOf } from "./journal-harness.js";
import { journalSearchCases } from "./journal-search-cases.js";
import { countTo, patientCall } from "./store-samples.js";

export type { JournalBench, JournalHarness } from "./journal-harness.js";

/** What every `Journal` keeps, ours or a stranger's (src/core/ports/journal.ts). */
export function journalContract(name: string, harness: JournalHarness): void {
  const check: JournalCase = (title, body) => {
    test(title, async () => {
      const bench = await harness.open();
      try {
        await body(bench);
      } finally {
        await bench.dispose();
      }
    });
  };
  describe(`Journal contract: ${name}`, () => {
    journalKeepingCases(check);
    journalPagingCases(check);
    journalTreeCases(check);
    journalSearchCases(check);
  });
}

function journalKeepingCases(check: JournalCase): void {
  const call = patientCall();

  check("JOURNAL-01 an empty journal has no position and no events", async ({ journal }) => {
    assert.equal(await journal.position(call), "");
    assert.deepEqual(await journal.search(queryOf(), call), { events: [] });
    await journal.append([], call);
    assert.equal(await journal.position(call), "");
  });

  check("JOURNAL-02 events come back whole, and the position with them", async (bench) => {
    const { journal } = bench;
    const entries = entriesOf(3, () => ({ principal: "ann", parent: "p" as EventId }));
    await journal.append(entries, call);
    assert.equal(await journal.position(call), "cursor-3");
    await bench.settle();
    const { events } = await journal.search(queryOf({ order: "oldestFirst" }), call);
    assert.deepEqual(
      events,
      entries.map(({ event }) => event),
    );
  });

  check("JOURNAL-03 the same event again is no second event", async (bench) => {
    const { journal } = bench;
    const entries = entriesOf(6);
    await journal.append(entries.slice(0, 4), call);
    await journal.append(entries.slice(2), call);
    await journal.append([...entries.slice(0, 2), ...entries.slice(0, 2)], call);
    assert.equal(await journal.position(call), "cursor-2");
    await bench.settle();
    const { events } = await journal.search(queryOf({ order: "oldestFirst" }), call);
    assert.deepEqual(
      events.map(({ sequence }) => sequence),
      countTo(6),
    );
    const found = await journal.search(queryOf({ text: "event 3" }), call);
    assert.equal(found.events.length, 1);
  });

  check("JOURNAL-04 trimming drops what is older, and no more", async (bench) => {
    const { journal } = bench;
    await journal.append(entriesOf(1_300), call);
    await journal.trim(2_295, call); // The last stands at 2,300 ms.
    await journal.trim(2_295, call);
    await bench.settle();
    const { events } = await journal.search(queryOf(), call);
    assert.deepEqual(
      events.map(({ atMs }) => atMs),
      [2_300, 2_299, 2_298, 2_297, 2_296, 2_295],
    );
    assert.deepEqual((await journal.search(queryOf({ text: "event 5" }), call)).events, []);
    assert.equal(await journal.position(call), "cursor-1300");
    await journal.trim(9_999, call);
    await bench.settle();
    assert.deepEqual((await journal.search(queryOf(), call)).events, []);
  });

  check("JOURNAL-05 who gave up is answered so; a closed journal says so", async ({ journal }) => {
    const cancelled = { signal: AbortSignal.abort() };
    const isCancelled = (error: unknown) => isFault(error, "CANCELLED");
    await assert.rejects(journal.append(entriesOf(1), cancelled), isCancelled);
    await assert.rejects(journal.search(queryOf(), cancelled), isCancelled);
    assert.equal(await journal.position(call), "");
    await Promise.all([journal.close(), journal.close()]);
    await assert.rejects(journal.position(call), (error) => isFault(error, "STORE_UNAVAILABLE"));
  });

  check("JOURNAL-06 what lies before the position can be found", async ({ journal }) => {
    for (const count of [1, 2, 3]) {
      await journal.append(entriesOf(count), call);
      assert.equal(await journal.position(call), `cursor-${count}`);
      const { events } = await journal.search(queryOf(), call);
      assert.equal(events.length, count);
    }
  });
}

function journalPagingCases(check: JournalCase): void {
  const call = patientCall();

  check("JOURNAL-10 pages follow one another without gap or repeat, either way", async (bench) => {
    const { journal } = bench;
    // Many at one moment: order among them must hold over pages too.
    await journal.append(
      entriesOf(57, (n) => ({ atMs: 1_000 + Math.floor(n / 10) })),
      call,
    );
    await bench.settle();
    for (const eventsMax of [1, 7, 19, 57, 58]) {
      const oldest = await allPages(journal, queryOf({ order: "oldestFirst", eventsMax }));
      assert.deepEqual(oldest, countTo(57));
      const newest = await allPages(journal, queryOf({ eventsMax }));
      assert.deepEqual(newest, countTo(57).toReversed());
    }
  });

  check("JOURNAL-11 what is appended meanwhile moves no page", async (bench) => {
    const { journal } = bench;
    const entries = entriesOf(40);
    await journal.append(entries.slice(0, 20), call);
    await bench.settle();
    const query = queryOf({ eventsMax: 8 });
    const first = await journal.search(query, call);
    await journal.append(entries.slice(20), call);
    await bench.settle();
    const rest = await allPages(journal, { ...query, pageToken: first.nextPageToken ?? "" });
    const seen = [...first.events.map(({ sequence }) => sequence), ...rest];
    assert.deepEqual(seen, countTo(20).toReversed());
  });

  check("JOURNAL-12 a token is its query's own; only the page's size may change", async (bench) => {
    const { journal } = bench;
    await journal.append(entriesOf(10), call);
    await bench.settle();
    const query = queryOf({ eventsMax: 2, types: ["server.gone", "target.changed"] });
    const { nextPageToken = "" } = await journal.search(query, call);
    assert.notEqual(nextPageToken, "");
    const next = { ...query, pageToken: nextPageToken };
    const larger = await journal.search({ ...next, eventsMax: 3 }, call);
    assert.deepEqual(
      larger.events.map(({ sequence }) => sequence),
      [8, 7, 6],
    );
    const wrong: JournalQuery[] = [
      { ...next, account: "other" },
      { ...next, order: "oldestFirst" },
      { ...next, types: ["target.changed"] },
      { ...next, text: "event" },
      { ...next, fromMs: 1 },
      { ...next, pageToken: "x" },
      { ...next, pageToken: `${nextPageToken}A` },
      { ...next, pageToken: Buffer.from('["x",1,2]').toString("base64url") },
      { ...next, pageToken: Buffer.from("{}").toString("base64url") },
    ];
    for (const query of wrong) {
      const refused = journal.search(query, call);
      await assert.rejects(
        refused,
        (error) => isFault(error, "PAGE_TOKEN_INVALID"),
        JSON.stringify(query),
      );
    }
  });

  check("JOURNAL-13 each account, group, server, type and time finds its own", async (bench) => {
    const { journal } = bench;
    const entries = entriesOf(24, (n) => ({
      account: (n % 2 ? "acme" : "other") as AccountId,
      group: (n % 3 ? "web" : "db") as GroupId,
      server: `server-${n % 4}` as ServerId,
      type: n % 5 ? "target.changed" : "server.gone",
    }));
    await journal.append(entries, call);
    await bench.settle();
    const sequences = async (over: Partial<JournalQuery>) => {
      const found = await allPages(journal, queryOf({ order: "oldestFirst", ...over }));
      const texts = await allPages(journal, queryOf({ order: "oldestFirst", text: "of", ...over }));
      assert.deepEqual(texts, found, "the same, found by a word that all have");
      return found;
    };
    const those = (is: (n: number) => boolean) => countTo(24).filter(is);
    const ours = (n: number) => n % 2 === 1;
    assert.deepEqual(await sequences({}), those(ours));
    assert.deepEqual(await sequences({ account: "nobody" }), []);
    assert.deepEqual(
      await sequences({ group: "db" }),
      those((n) => ours(n) && n % 3 === 0),
    );
    assert.deepEqual(await sequences({ group: "nothing" }), []);
    assert.deepEqual(
      await sequences({ server: "server-1" }),
      those((n) => n % 4 === 1),
    );
    assert.deepEqual(await sequences({ server: "server-2" }), [], "another account's server");
    assert.deepEqual(await sequences({ types: ["server.gone"] }), [5, 15]);
    assert.deepEqual(await sequences({ types: [] }), []);
    assert.deepEqual(await sequences({ fromMs: 1_005, untilMs: 1_009 }), [5, 7]);
    assert.deepEqual(await sequences({ fromMs: 1_009 }), [9, 11, 13, 15, 17, 19, 21, 23]);
    assert.deepEqual(
      await sequences({
        group: "web",
        server: "server-3",
        types: ["target.changed"],
        fromMs: 1_008,
      }),
      [11, 19, 23],
    );
  });
}

function journalTreeCases(check: JournalCase): void {
  const call = patientCall();

  check("JOURNAL-14 events are found by their ids and by what they follow from", async (bench) => {
    const { journal } = bench;
    // 1 is the root; 2, 3 and 4 follow from it, 5 and 6 from 2, 7 from 5; 8 is another's.
    const parents: Readonly<Record<number, number>> = { 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 5, 8: 1 };
    const entries = entriesOf(9, (n) => ({
      id: `event-${n}` as EventId,
      account: (n === 8 ? "other" : "acme") as AccountId,
      type: n % 2 ? "target.changed" : "server.gone",
      ...(parents[n] === undefined ? {} : { parent: `event-${parents[n]}` as EventId }),
    }));
    await journal.append(entries, call);
    await bench.settle();
    const find = (over: Partial<JournalQuery>) =>
      allPages(journal, queryOf({ order: "oldestFirst", eventsMax: 2, ...over }));
    const named = (...numbers: readonly number[]) => numbers.map((n) => `event-${n}`);
    assert.deepEqual(await find({ ids: named(6, 2, 77) }), [2, 6]);
    assert.deepEqual(await find({ ids: named(8) }), [], "another account's event");
    assert.deepEqual(await find({ ids: [] }), []);
    assert.deepEqual(await find({ parents: named(1) }), [2, 3, 4]);
    assert.deepEqual(await find({ parents: named(5, 2, 1) }), [2, 3, 4, 5, 6, 7]);
    assert.deepEqual(await find({ parents: named(9) }), []);
    assert.deepEqual(await find({ parents: [""] }), [], "what follows from nothing");
    assert.deepEqual(await find({ parents: [] }), []);
    assert.deepEqual(await find({ ids: named(5, 7), parents: named(2) }), [5]);
    assert.deepEqual(await find({ parents: named(1), types: ["server.gone"] }), [2, 4]);
    assert.deepEqual(await find({ parents: named(1), text: "of", fromMs: 1_003 }), [3, 4]);
    assert.deepEqual(await find({ parents: named(1), order: "newestFirst" }), [4, 3, 2]);
    const { nextPageToken = "" } = await journal.search(
      queryOf({ parents: named(1), eventsMax: 1 }),
      call,
    );
    const wrong = journal.search(queryOf({ parents: named(2), pageToken: nextPageToken }), call);
    await assert.rejects(wrong, (error) => isFault(error, "PAGE_TOKEN_INVALID"));
    await journal.trim(1_004, call);
    await bench.settle();
    assert.deepEqual(await find({ parents: named(1, 2) }), [4, 5, 6]);
  });
}

/** The sequences of all pages from the query's token on. */
async function allPages(journal: Journal, query: JournalQuery): Promise<readonly number[]> {
  const found: number[] = [];
  for (let pageToken = query.pageToken; ; ) {
    const paged = pageToken === undefined ? query : { ...query, pageToken };
    const page = await journal.search(paged, patientCall());
    assert.ok(page.events.length <= query.eventsMax);
    found.push(...page.events.map(({ sequence }) => sequence));
    if (page.nextPageToken === undefined) return found;
    assert.ok(found.length < 10_000, "the pages repeat themselves without end");
    assert.ok(page.events.length > 0, "a page that promises more must hold something");
    pageToken = page.nextPageToken;
  }
}
