import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type Fault, isFault } from "../../src/core/errors/fault.js";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { hasGoodSqlite, openFile, prepareRows } from "../../src/drivers/sqlite-worker/database.js";
import { openDatabase } from "../../src/drivers/sqlite-worker/open-database.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { storeSchema } from "../../src/drivers/store-sqlite/schema.js";
import { type StoreBench, storeContract } from "../contract/store.contract.js";
import {
  commitOf,
  countTo,
  eventOf,
  patientCall,
  placement,
  readWholeFeed,
  row,
} from "../contract/store-samples.js";
import { createRunningClock } from "./running-clock.js";
import { createTestFolder } from "./sqlite-files.js";

storeContract("SQLite", { open: openBench });

/** An answer is lost by giving up between sending and hearing. */
async function openBench(): Promise<StoreBench> {
  const folder = await createTestFolder();
  const clock = createRunningClock();
  const store = await createSqliteStore({ path: folder.file("state.db"), clock });
  let answersLost = 0;
  return {
    store,
    nowMs: () => clock.nowMs(),
    advance: (ms) => clock.advance(ms),
    async commitLosingAnswer(commit) {
      const controller = new AbortController();
      const error = store.commit(commit, { signal: controller.signal }).then(
        () => assert.fail("its answer was to be lost"),
        (reason: unknown) => reason,
      );
      // Set after the store's own: runs when the request was sent, before any answer is taken.
      setImmediate(() => controller.abort());
      if (isFault(await error, "COMMIT_UNKNOWN")) answersLost++;
      return error;
    },
    answersLost: () => answersLost,
    async dispose() {
      await store.close();
      await folder.remove();
    },
  };
}

const call = patientCall();
const web = placement("web");
const clock = createSystemClock();

type Open = (path: string) => Promise<Store>;

/** Closes what the body opened, also when it fails: an open store keeps the process alive. */
function withFile(title: string, body: (path: string, open: Open) => Promise<void>): void {
  test(title, async () => {
    const folder = await createTestFolder();
    const opened: Store[] = [];
    const open: Open = async (path) => {
      const store = await createSqliteStore({ path, clock });
      opened.push(store);
      return store;
    };
    try {
      await body(folder.file("data/state.db"), open);
    } finally {
      await Promise.all(opened.map((store) => store.close()));
      await folder.remove();
    }
  });
}

function refusalOf(opening: Promise<unknown>): Promise<Fault> {
  return opening.then(
    () => assert.fail("it was to be refused"),
    (error: unknown) => {
      assert.ok(isFault(error), String(error));
      return error;
    },
  );
}

describe("the SQLite store's file", () => {
  withFile("what was committed is there when it is opened again", async (path, open) => {
    const first = await open(path);
    const hints = [{ index: "due", key: "a", value: "1" }];
    const commit = commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)], hints });
    await first.commit(commit, call);
    const head = await first.feedHead(call);
    await first.close();

    const second = await open(path);
    const loaded = await second.load(web, "all", call);
    assert.deepEqual(loaded, { revision: 1, lastSequence: 1, rows: [row("a")] });
    assert.equal(await second.wasCommitted(web, commit.commitId, call), true);
    assert.equal(await second.feedHead(call), head);
    const page = { index: "due", afterKey: "", hintsMax: 9 };
    assert.deepEqual(await second.listHints(page, call), hints);
    await second.close();
  });

  withFile("what was asked for before the close is answered", async (path, open) => {
    const store = await open(path);
    const commits = countTo(300).map((n) => commitOf(placement(`group-${n}`), 0));
    const answers = Promise.all(commits.map((commit) => store.commit(commit, call)));
    await store.close();
    assert.equal((await answers).length, 300);
  });

  withFile(
    "a second opener is told which file is taken, in this process too",
    async (path, open) => {
      const store = await open(path);
      const fault = await refusalOf(open(path));
      assert.equal(fault.reason, "STORE_UNAVAILABLE");
      assert.equal(fault.facts["file"], path);
      assert.match(fault.message, /in use by another process/);

      const module = pathToFileURL(new URL("../../src/drivers/", import.meta.url).pathname).href;
      const script = `
      const { createSqliteStore } = await import("${module}store-sqlite/index.js");
      const { createSystemClock } = await import("${module}clock-system/index.js");
      const options = { path: ${JSON.stringify(path)}, clock: createSystemClock() };
      const say = (text) => { console.log(text); process.exit(); };
      await createSqliteStore(options).then(() => say("opened"), (fault) => say(fault.message));`;
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
      assert.equal(stdout.trim(), fault.message);

      await store.commit(commitOf(web, 0), call);
      await store.close();
      await (await open(path)).close();
    },
  );

  withFile("only its owner may read it", async (path, open) => {
    const store = await open(path);
    await store.commit(commitOf(web, 0), call);
    for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600);
    await store.close();
  });

  withFile("migrations may run twice, and harm nothing", async (path, open) => {
    const store = await open(path);
    await store.commit(commitOf(web, 0, { puts: [row("a")], events: [eventOf(web, 1)] }), call);
    const head = await store.feedHead(call);
    await store.close();
    await alter(path, "PRAGMA user_version = 0");
    const again = await open(path);
    assert.equal((await again.load(web, "all", call)).revision, 1);
    assert.equal(await again.feedHead(call), head);
    await again.close();
  });

  withFile("a newer Muster's file, a stranger's and a journal are refused", async (path, open) => {
    await (await open(path)).close();
    assert.equal((await refusalOf(createSqliteJournal({ path }))).reason, "CONFIG_INVALID");
    await alter(path, "PRAGMA user_version = 9999");
    const newer = await refusalOf(open(path));
    assert.equal(newer.reason, "CONFIG_INVALID");
    assert.match(newer.message, /newer Muster/);

    const text = `${path}.txt`;
    await writeFile(text, "this is my shopping list, all of it in plain words\n".repeat(100));
    const before = await readFile(text);
    assert.equal((await refusalOf(open(text))).reason, "CONFIG_INVALID");
    assert.deepEqual(await readFile(text), before);

    const inFile = `${text}/state.db`;
    const folder = await refusalOf(open(inFile));
    assert.equal(folder.reason, "STORE_UNAVAILABLE");
    assert.equal(folder.facts["file"], inFile);
  });

  withFile("a cursor of another file is none of this one", async (path, open) => {
    const one = await open(path);
    const two = await createSqliteStore({ path: `${path}2`, clock });
    for (const store of [one, two]) {
      await store.commit(commitOf(web, 0, { events: [eventOf(web, 1)] }), call);
      assert.equal((await readWholeFeed(store, "", 1)).length, 1);
    }
    const fault = await refusalOf(two.readFeed(await one.feedHead(call), 1, call));
    assert.equal(fault.reason, "CURSOR_INVALID");
    await Promise.all([one.close(), two.close()]);
  });

  withFile("it is durable, logged and locked, whatever the driver's defaults are", async (path) => {
    const db = await openDatabase(path, storeSchema);
    const pragma = (name: string) => prepareRows<[unknown]>(db, `PRAGMA ${name}`).get()?.[0];
    assert.equal(pragma("journal_mode"), "wal");
    assert.equal(pragma("synchronous"), 2); // FULL
    assert.equal(pragma("locking_mode"), "exclusive");
    db.close();
  });

  test("Node's own SQLite is taken only where it is a good one", () => {
    const good = ["22.23.0", "22.30.1", "24.0.0", "26.1.0"];
    const poor = ["20.19.0", "20.20.2", "22.12.0", "22.22.9", "23.11.0"];
    assert.deepEqual(good.filter(hasGoodSqlite), good);
    assert.deepEqual(poor.filter(hasGoodSqlite), []);
  });
});

async function alter(path: string, sql: string): Promise<void> {
  const db = await openFile(path);
  db.exec(sql);
  db.close();
}
