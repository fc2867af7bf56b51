import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { AccountId, EventId, GroupId } from "../../src/core/model/ids.js";
import type { JournalQuery } from "../../src/core/ports/journal.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { openFile, prepareRows } from "../../src/drivers/sqlite-worker/database.js";
import { journalContract } from "../contract/journal.contract.js";
import { entriesOf, queryOf } from "../contract/journal-harness.js";
import { countTo, eventOf, patientCall, placement } from "../contract/store-samples.js";
import { createTestFolder } from "./sqlite-files.js";

journalContract("SQLite", { open: openBench });

async function openBench() {
  const folder = await createTestFolder();
  const path = folder.file("events.db");
  const journal = await createSqliteJournal({ path });
  return {
    path,
    journal,
    settle: async () => {},
    async dispose() {
      await journal.close();
      await folder.remove();
    },
  };
}

const call = patientCall();

type Bench = Awaited<ReturnType<typeof openBench>>;

function withBench(title: string, body: (bench: Bench) => Promise<void>): void {
  test(title, async () => {
    const bench = await openBench();
    try {
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

describe("the SQLite journal", () => {
  withBench("events, words and position are there when it is opened again", async (bench) => {
    await bench.journal.append(entriesOf(5), call);
    await bench.journal.close();
    const again = await createSqliteJournal({ path: bench.path });
    try {
      assert.equal(await again.position(call), "cursor-5");
      const { events } = await again.search(queryOf({ text: "event 4" }), call);
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        [4],
      );
    } finally {
      await again.close();
    }
  });

  withBench("trimming leaves no words behind", async (bench) => {
    await bench.journal.append(entriesOf(700), call);
    await bench.journal.trim(9_999, call);
    await bench.journal.close();
    const db = await openFile(bench.path);
    const left = prepareRows<[number]>(db, "SELECT count(*) FROM words WHERE words MATCH 'event'");
    assert.equal(left.get()?.[0], 0);
    db.close();
  });

  withBench("a word that thousands of events share finds the newest of them", async (bench) => {
    const count = 6_000; // Over the bound up to which matches are sorted.
    const web = placement("web");
    const entries = countTo(count).map((n) => ({
      event: eventOf(web, n, { message: n % 1_000 ? "common" : "common rare", facts: {} }),
      cursor: String(n),
    }));
    await bench.journal.append(entries, call);
    for (const order of ["newestFirst", "oldestFirst"] as const) {
      const first = await bench.journal.search(
        queryOf({ text: "common", order, eventsMax: 3 }),
        call,
      );
      const expected = order === "newestFirst" ? [6_000, 5_999, 5_998] : [1, 2, 3];
      assert.deepEqual(
        first.events.map(({ sequence }) => sequence),
        expected,
      );
      assert.notEqual(first.nextPageToken, undefined);
    }
    const rare = await bench.journal.search(queryOf({ text: "common rare" }), call);
    assert.deepEqual(
      rare.events.map(({ sequence }) => sequence),
      [6_000, 5_000, 4_000, 3_000, 2_000, 1_000],
    );
  });

  withBench("whatever is asked, it finds what the plain model finds", async (bench) => {
    const model = createMemoryJournal();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(draft, { maxLength: 25 }),
        fc.array(question),
        async (drafts, asked) => {
          const account = `account-${run++}` as AccountId;
          const entries = drafts.map(({ atMs, group, message, id }) => ({
            event: eventOf(placement(group), 1, {
              ...{ atMs, message, account, group: group as GroupId },
              id: `${account}/${id}` as EventId,
            }),
            cursor: `${run}`,
          }));
          for (const journal of [bench.journal, model]) await journal.append(entries, call);
          for (const over of asked) {
            const query = { ...queryOf(over), account };
            const [found, expected] = await Promise.all([
              bench.journal.search(query, call),
              model.search(query, call),
            ]);
            const ids = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);
            assert.deepEqual(ids(found.events), ids(expected.events));
            assert.equal(found.nextPageToken === undefined, expected.nextPageToken === undefined);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

const words = ["web-01", "web", "Server", "failed", "größe", "10.0.0.1", "e\u0301t\u00e9", "東京"];
const text = fc.array(fc.constantFrom(...words), { maxLength: 4 }).map((some) => some.join(" "));

const draft = fc.record({
  atMs: fc.integer({ min: 1_000, max: 1_010 }),
  group: fc.constantFrom("web", "db"),
  message: text,
  id: fc.nat(30),
});

const question: fc.Arbitrary<Partial<JournalQuery>> = fc.record(
  {
    group: fc.constantFrom("web", "db", "none"),
    text: fc.oneof(
      text,
      text.map((some) => `${some.slice(0, -1)}*`),
    ),
    fromMs: fc.integer({ min: 1_000, max: 1_010 }),
    untilMs: fc.integer({ min: 1_000, max: 1_012 }),
    order: fc.constantFrom("newestFirst" as const, "oldestFirst" as const),
    eventsMax: fc.integer({ min: 1, max: 12 }),
  },
  { requiredKeys: [] },
);
