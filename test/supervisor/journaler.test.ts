import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../../src/core/errors/fault.js";
import type { Journal } from "../../src/core/ports/journal.js";
import { createMemoryJournal } from "../../src/drivers/journal-memory/index.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createJoinedFeed } from "../../src/supervisor/events/joined-feed.js";
import { createJournaler, defaultRetention } from "../../src/supervisor/events/journaler.js";
import { queryOf } from "../contract/journal-harness.js";
import { commitOf, countTo, eventOf, patientCall, placement } from "../contract/store-samples.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { createRandom } from "../simulation/virtual-clock.js";

const call = patientCall();
const web = placement("web");

test("M7.3 history asked anew while its journal is away is written when it is back", async (t) => {
  const clock = createRunningClock();
  const store = createMemoryStore({ clock, random: createRandom(1) });
  const kept = createMemoryJournal();
  let refused = 0;
  let isAway = false;
  const append: Journal["append"] = async (entries, call) => {
    if (!isAway) return kept.append(entries, call);
    refused += 1;
    throw new Fault("STORE_UNAVAILABLE", { say: "the journal is away" });
  };
  const ending = new AbortController();
  t.after(() => ending.abort());
  const logged: string[] = [];
  const note = (_: unknown, message: string) => void logged.push(message);
  const journaler = createJournaler({
    feed: createJoinedFeed(store),
    journal: { ...kept, append },
    ...{ clock, signal: ending.signal, retention: defaultRetention },
    log: { info: note, warn: note, error: note, debug: note },
    monitor: { fed() {}, feedMoved() {} },
  });
  const commit = (revision: number, sequence: number) =>
    store.commit({ ...commitOf(web, revision), events: [eventOf(web, sequence)] }, call);
  const found = async () => {
    const { events } = await kept.search(queryOf({ order: "oldestFirst" }), call);
    return events.map(({ sequence }) => sequence);
  };
  for (const sequence of countTo(3)) await commit(sequence - 1, sequence);
  journaler.start();
  await until(async () => (await found()).length === 3);

  await kept.trim(Number.MAX_SAFE_INTEGER, call);
  isAway = true;
  journaler.rebuild();
  await until(async () => refused > 2);
  assert.deepEqual(await found(), []);
  isAway = false;
  await until(async () => (await found()).length > 0);
  await commit(3, 4);
  await until(async () => (await found()).length === 4);
  assert.deepEqual(await found(), countTo(4));
  await until(async () => logged.includes("history is written anew"));
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 1_000, "it never came to that");
    await sleep(2);
  }
}
