import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Fault, isFault } from "../../src/core/errors/fault.js";
import { type Database, openFile, prepareRows } from "../../src/drivers/sqlite-worker/database.js";
import { done, type Request, refused } from "../../src/drivers/sqlite-worker/protocol.js";
import { createRequestQueue } from "../../src/drivers/sqlite-worker/request-queue.js";
import { createBatchRunner } from "../../src/drivers/sqlite-worker/run-batch.js";
import { createTestFolder, nextImmediate } from "./sqlite-files.js";

describe("a batch", () => {
  batchTest("an error in one, after it wrote, fails that one alone", async (db) => {
    const kinds = runKinds(db, ["put", "putThenThrow", "refuse", "put", "count"]);
    assert.deepEqual(kinds, ["done", "bug", "refused", "done", "done"]);
    assert.equal(countOf(db), 2);
  });

  batchTest("a full disk refuses what does not fit, and nothing else", async (db) => {
    db.exec("PRAGMA max_page_count = 20");
    const kinds = runKinds(db, ["put", "putMuch", "put"]);
    assert.deepEqual(kinds, ["done", "unavailable", "done"]);
    assert.equal(countOf(db), 2);
  });

  batchTest("when the commit itself fails nobody knows, and nothing goes on", async (db) => {
    // A deferred foreign key is checked by COMMIT: the one way to make a sound disk fail there.
    db.exec("PRAGMA foreign_keys = ON");
    const runner = createBatchRunner(db, handlersOn(db));
    const first = runner.run(requests(["put", "count", "putOrphan"]));
    assert.deepEqual(
      first.map(({ outcome }) => outcome.kind),
      ["unknown", "unavailable", "unknown"],
    );
    for (const { outcome } of runner.run(requests(["put", "count"])))
      assert.equal(outcome.kind, "unavailable");
  });

  batchTest("an operation never heard of is a bug, told to its caller", async (db) => {
    assert.deepEqual(runKinds(db, ["put", "nothing"]), ["done", "bug"]);
  });
});

function batchTest(title: string, body: (db: Database) => Promise<void>): void {
  test(title, async () => {
    const folder = await createTestFolder();
    const db = await openFile(folder.file("batch.db"));
    db.exec(`CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT,
        parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`);
    try {
      await body(db);
    } finally {
      db.close();
      await folder.remove();
    }
  });
}

function handlersOn(db: Database) {
  const insert = db.prepare("INSERT INTO things (text, parent) VALUES (?, ?)");
  const put = (text: string, parent: number | null = null) => {
    insert.run(text, parent);
    return done(undefined);
  };
  return {
    put: { writes: true, run: () => put("a thing") },
    putMuch: { writes: true, run: () => put("x".repeat(1_000_000)) },
    putOrphan: { writes: true, run: () => put("an orphan", 77) },
    putThenThrow: {
      writes: true,
      run: () => {
        put("half a thing");
        throw new Error("a bug");
      },
    },
    refuse: { writes: true, run: () => refused(new Fault("PLACEMENT_CHANGED", { say: "no" })) },
    count: { writes: false, run: () => done(countOf(db)) },
  };
}

function requests(names: readonly string[]): readonly Request[] {
  return names.map((name, id) => ({ id, name, args: undefined }));
}

function runKinds(db: Database, names: readonly string[]): readonly string[] {
  const answers = createBatchRunner(db, handlersOn(db)).run(requests(names));
  assert.deepEqual(
    answers.map(({ id }) => id),
    names.map((_, id) => id),
  );
  return answers.map(({ outcome }) => outcome.kind);
}

function countOf(db: Database): number {
  return prepareRows<[number]>(db, "SELECT count(*) FROM things").get()?.[0] ?? -1;
}

describe("the queue before the worker", () => {
  test("what is asked in one turn goes in one message, two at most on their way", async () => {
    const { queue, sent, answer } = createQueue();
    const first = Array.from({ length: 50 }, () => queue.add("read", 1, patient()));
    await nextImmediate();
    assert.deepEqual(
      sent.map((batch) => batch.length),
      [50],
    );
    const more = [queue.add("read", 2, patient())];
    await nextImmediate();
    more.push(queue.add("read", 3, patient()), queue.add("read", 4, patient()));
    await nextImmediate();
    assert.equal(sent.length, 2);
    answer();
    await Promise.all(first);
    await nextImmediate();
    assert.deepEqual(
      sent.map((batch) => batch.length),
      [50, 1, 2],
    );
    answer();
    answer();
    await Promise.all(more);
  });

  test("a batch is bounded in requests and bytes", async () => {
    const { queue, sent, answer } = createQueue();
    const big = { ...patient(), bytes: 10 * 1024 * 1024 };
    const asked = [queue.add("write", 1, big), queue.add("write", 2, big)];
    for (let n = 0; n < 1_500; n++) asked.push(queue.add("read", n, patient()));
    await nextImmediate();
    assert.deepEqual(
      sent.map((batch) => batch.length),
      [1, 1_000],
    );
    answer();
    answer();
    await nextImmediate();
    assert.deepEqual(sent[2]?.length, 501);
    answer();
    await Promise.all(asked);
  });

  test("a queue without end is refused at its bound, certainly not committed", async () => {
    const { queue, answer } = createQueue();
    const asked = Array.from({ length: 20_000 }, () => queue.add("read", 0, patient()));
    await assert.rejects(queue.add("read", 0, patient()), (error) =>
      isFault(error, "STORE_UNAVAILABLE"),
    );
    for (let batch = 0; batch < 20; batch++) {
      await nextImmediate();
      answer();
    }
    await Promise.all(asked);
  });

  test("an abort before the sending is certain, after it a change is unknown", async () => {
    const { queue, sent, answer } = createQueue();
    const controllers = [new AbortController(), new AbortController(), new AbortController()];
    const [one, two, three] = controllers.map(({ signal }) => signal);
    const early = queue.add("write", 1, ask(one));
    const late = queue.add("write", 2, ask(two));
    const read = queue.add("read", 3, { call: { signal: three ?? AbortSignal.abort() } });
    controllers[0]?.abort();
    await assert.rejects(early, (error) => isFault(error, "CANCELLED"));
    await nextImmediate();
    assert.deepEqual(
      sent[0]?.map(({ args }) => args),
      [2, 3],
    );
    controllers[1]?.abort();
    controllers[2]?.abort();
    await assert.rejects(late, (error) => isFault(error, "COMMIT_UNKNOWN"));
    await assert.rejects(read, (error) => isFault(error, "CANCELLED"));
    answer(); // Comes too late for anyone, and harms nobody.
    await queue.close();
  });

  test("when the worker is lost, changes on their way are unknown, all else is not done", async () => {
    const { queue } = createQueue();
    const sentWrite = queue.add("write", 1, ask());
    const sentRead = queue.add("read", 2, patient());
    await nextImmediate();
    const waiting = queue.add("write", 3, ask());
    queue.lost(new Error("it died"));
    const later = queue.add("write", 4, ask());
    await assert.rejects(sentWrite, (error) => isFault(error, "COMMIT_UNKNOWN"));
    for (const one of [sentRead, waiting, later])
      await assert.rejects(one, (error) => isFault(error, "STORE_UNAVAILABLE"));
    await queue.close();
  });
});

/** A queue whose worker answers when told to, oldest batch first. */
function createQueue() {
  const sent: (readonly Request[])[] = [];
  let answered = 0;
  const queue = createRequestQueue((batch) => sent.push(batch));
  return {
    queue,
    sent,
    answer() {
      const batch = sent[answered];
      if (!batch) return;
      answered++;
      queue.answered(batch.map(({ id, args }) => ({ id, outcome: done(args) })));
    },
  };
}

function patient() {
  return { call: { signal: new AbortController().signal } };
}

function ask(signal = new AbortController().signal) {
  const unknownFault = (cause: unknown) => new Fault("COMMIT_UNKNOWN", { say: "unknown", cause });
  return { call: { signal }, unknownFault };
}
