import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { openFile, prepareRows } from "../../src/drivers/sqlite-worker/database.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import {
  countTo,
  patientCall,
  readWholeFeed,
  sequencesByPlacement,
} from "../contract/store-samples.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { victimCommitId, victimPartitions } from "./crash-victim.js";
import { createTestFolder } from "./sqlite-files.js";

const storeRounds = 30;
const journalRounds = 8;
/** Short enough for many rounds, long enough to meet every part of a commit and a checkpoint. */
const lifeMsMax = 120;

const call = patientCall();
const random = createRandom(20_260_101);
const victim = fileURLToPath(new URL("./crash-victim.js", import.meta.url));

describe("kill -9", () => {
  test(`the store loses nothing acknowledged and shows nothing half, ${storeRounds} times`, async () => {
    const folder = await createTestFolder();
    const path = folder.file("state.db");
    let cursor = "";
    let acknowledgedInAll = 0;
    for (let round = 0; round < storeRounds; round++) {
      const acknowledged = await killOne("store", path);
      acknowledgedInAll += acknowledged.size;
      // Opening it again at once also shows that the lock went with the process.
      const store = await createSqliteStore({ path, clock: createSystemClock() });
      cursor = await checkStore(store, acknowledged, cursor);
      await store.close();
    }
    assert.ok(acknowledgedInAll > storeRounds, "hardly anything was acknowledged before the kills");
    await checkIntegrity(path);
    await folder.remove();
  });

  test(`the journal's events and position agree, ${journalRounds} times`, async () => {
    const folder = await createTestFolder();
    const path = folder.file("events.db");
    for (let round = 0; round < journalRounds; round++) {
      const acknowledged = (await killOne("journal", path)).get("journal") ?? 0;
      const journal = await createSqliteJournal({ path });
      const position = Number(await journal.position(call));
      assert.ok(position >= acknowledged, `${acknowledged} was acknowledged, ${position} is there`);
      const query = { account: "acme", order: "newestFirst", eventsMax: 50 } as const;
      const { events } = await journal.search(query, call);
      const newest = countTo(position).slice(-50).reverse();
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        newest,
      );
      // The words are there for all events that are, and for no other.
      for (const [number, found] of [...newest.map((n) => [n, 1] as const), [position + 1, 0]]) {
        const page = await journal.search({ ...query, text: `number${number}` }, call);
        assert.equal(page.events.length, found, `number${number} of ${position}`);
      }
      await journal.close();
    }
    await checkIntegrity(path);
    await folder.remove();
  });
});

/**
 * Starts a victim, kills it a random moment after its first word; the last number told, by name.
 */
async function killOne(kind: string, path: string): Promise<ReadonlyMap<string, number>> {
  const child = spawn(process.execPath, [victim, kind, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  const closed = once(child, "close");
  await Promise.race([once(child.stdout, "data"), closed]);
  await sleep(random() * lifeMsMax);
  child.kill("SIGKILL");
  const [, signal] = await closed;
  assert.equal(signal, "SIGKILL", "it ended before it was killed");
  const lines = text.slice(0, text.lastIndexOf("\n")).split("\n");
  return new Map(lines.map((line) => [line.split(" ")[0] ?? "", Number(line.split(" ")[1])]));
}

/** Checks the store against what was told; gives the cursor behind the newest event. */
async function checkStore(
  store: Store,
  acknowledged: ReadonlyMap<string, number>,
  after: string,
): Promise<string> {
  const entries = await readWholeFeed(store, after, 5_000);
  const sequences = sequencesByPlacement(entries);
  for (const partition of victimPartitions) {
    const { key } = partition;
    const { revision, lastSequence, rows } = await store.load(partition, "all", call);
    const told = acknowledged.get(key) ?? 0;
    if (told > 0) {
      // Each partition has one caller with one commit on its way: at most that one is untold.
      assert.ok(revision === told || revision === told + 1, `${key}: ${told}, then ${revision}`);
      const known = await store.wasCommitted(partition, victimCommitId(key, told), call);
      assert.equal(known, true, `${key}: ${told} is not known`);
    }
    const kept = rows.map(({ value }) => (JSON.parse(value) as { revision: number }).revision);
    assert.deepEqual(kept, revision === 0 ? [] : [revision, revision], key);
    assert.equal(lastSequence, 2 * revision, key);
    const added = sequences.get(key) ?? [];
    assert.deepEqual(added, countTo(lastSequence).slice(lastSequence - added.length), key);
    if (added.length > 0) assert.equal(added.at(-1), lastSequence, key);
    if (after === "") assert.equal(added.length, lastSequence, key);
  }
  return entries.at(-1)?.cursor ?? after;
}

async function checkIntegrity(path: string): Promise<void> {
  const db = await openFile(path);
  assert.equal(prepareRows<[string]>(db, "PRAGMA integrity_check").get()?.[0], "ok");
  db.close();
}
