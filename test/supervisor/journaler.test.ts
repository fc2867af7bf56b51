import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
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
  const { kept, journal, journaler, commit, found, logged } = setUp(t);
  for (const sequence of countTo(3)) await commit(sequence);
  journaler.start();
  await until(async () => (await found()).length === 3);

  await kept.trim(Number.MAX_SAFE_INTEGER, call);
  journal.isAway = true;
  journaler.rebuild();
  await until(async () => journal.refusedAtMs.length > 2);
  assert.deepEqual(await found(), []);
  journal.isAway = false;
  await until(async () => (await found()).length > 0);
  await commit(4);
  await until(async () => (await found()).length === 4);
  assert.deepEqual(await found(), countTo(4));
  await until(async () => logged.includes("history is written anew"));
});

test("M7.3 a journal that is away is told of once a minute, and asked by the clock alone", async (t) => {
  const { clock, journal, journaler, commit, found, logged } = setUp(t);
  const lags = () => logged.filter((one) => one === "the journal lags behind").length;
  journal.isAway = true;
  await commit(1);
  journaler.start();
  await until(async () => journal.refusedAtMs.length > 0);
  const fromMs = clock.monotonicMs();
  for (const sequence of [2, 3, 4, 5]) {
    await commit(sequence);
    journaler.notify();
  }
  await until(async () => clock.monotonicMs() - fromMs > 150_000);
  const waits = journal.refusedAtMs.slice(1).map((atMs, at) => atMs - journal.refusedAtMs[at]!);
  assert.ok(waits.length > 5 && waits.every((ms) => ms >= 2_000), waits.join());
  const mostTold = 1 + (clock.monotonicMs() - journal.refusedAtMs[0]!) / 60_000;
  assert.ok(lags() >= 2 && lags() <= mostTold, `told ${lags()} times`);

  journal.isAway = false;
  await until(async () => (await found()).length === 5);
  await until(async () => logged.includes("the journal has caught up"));
  journal.isAway = true;
  const told = lags();
  await commit(6);
  journaler.notify();
  await until(async () => lags() > told);
});

function setUp(t: TestContext) {
  const clock = createRunningClock();
  const store = createMemoryStore({ clock, random: createRandom(1) });
  const kept = createMemoryJournal();
  const journal = { isAway: false, refusedAtMs: [] as number[] };
  const append: Journal["append"] = async (entries, call) => {
    if (!journal.isAway) return kept.append(entries, call);
    journal.refusedAtMs.push(clock.monotonicMs());
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
  const commit = (sequence: number) =>
    store.commit({ ...commitOf(web, sequence - 1), events: [eventOf(web, sequence)] }, call);
  const found = async () => {
    const { events } = await kept.search(queryOf({ order: "oldestFirst" }), call);
    return events.map(({ sequence }) => sequence);
  };
  return { clock, kept, journal, journaler, commit, found, logged };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    assert.ok(tries < 1_000, "it never came to that");
    await sleep(2);
  }
}
