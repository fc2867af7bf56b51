import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, isFault } from "../../src/core/errors/fault.js";
import type { AccountId, GroupId } from "../../src/core/model/ids.js";
import type { Commit, Store } from "../../src/core/ports/store.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createGroupBook } from "../../src/supervisor/group-book.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";

const web = { account: "acme" as AccountId, group: "web" as GroupId };
const { signal } = new AbortController();
/** As long as a driver waits for most colos. */
const driverMs = 10_000;
/** As long as a caller does. */
const patienceMs = 2_000;
const soonMs = 100;
const isUnavailable = (error: unknown) => isFault(error, "STORE_UNAVAILABLE");

/** What of the store cannot be read: each read of it waits before it fails, or is answered late. */
type Trouble = "none" | "cut off from other colos" | "away" | "slow";
const slowMs = 3_000;

/** A group that is known. */
async function createBench() {
  const clock = createVirtualClock();
  const memory = createMemoryStore({ clock, random: createRandom(1) });
  let trouble: Trouble = "none";
  let waits = 0;
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const store: Store = {
    ...memory,
    async load(partition, kinds, call) {
      const isCopy = call.from === "replica";
      if (trouble !== "none" && !isCopy) {
        waits++;
        await wait(trouble === "slow" ? slowMs : driverMs);
      }
      const isBroken = isCopy ? trouble === "away" : trouble !== "none" && trouble !== "slow";
      if (isBroken) throw new Fault("STORE_UNAVAILABLE", { say: trouble });
      return memory.load(partition, kinds, call);
    },
  };
  async function run(work: Promise<unknown>): Promise<number> {
    const startMs = clock.monotonicMs();
    let endMs: number | undefined;
    const mark = () => {
      endMs = clock.monotonicMs();
    };
    work.then(mark, mark);
    while (endMs === undefined) await clock.advance(1);
    await work;
    return endMs - startMs;
  }
  /** As another node edits it. */
  async function write(displayName: string, expectedRevision: number): Promise<void> {
    const value = JSON.stringify({ ...web, id: web.group, displayName });
    const change: Commit = {
      ...{ partition: { scope: "group", key: "acme/web" }, expectedRevision },
      ...{ commitId: displayName, deletes: [], events: [], hints: [] },
      puts: [{ kind: "group", key: "self", value }],
    };
    await run(memory.commit(change, { signal }));
  }
  await write("made", 0);
  const openBook = () => createGroupBook({ store, ids: createSeededIds(1), clock });
  const book = openBook();
  const askOf = async ({ get } = book, group = web) => {
    const asking = get(group, signal);
    const tookMs = await run(asking);
    return { tookMs, displayName: (await asking).group?.displayName };
  };
  /** Resolves to how long it took, in milliseconds. */
  const ask = async () => {
    const { tookMs, displayName } = await askOf();
    assert.ok(displayName);
    return tookMs;
  };
  await ask();
  const meet = (what: Trouble) => {
    trouble = what;
  };
  return { clock, ask, askOf, meet, openBook, write, waits: () => waits };
}

test("M7.1 while the store is away one caller at a time waits to see whether it is back", async () => {
  const { clock, ask, meet, waits } = await createBench();
  meet("away");
  await clock.advance(5_000);
  assert.ok((await ask()) >= driverMs, "the first has to find out");
  for (let asks = 0; asks < 10; asks++) assert.ok((await ask()) < soonMs);
  await clock.advance(5_000);
  const [one, other] = await Promise.all([ask(), ask()]);
  assert.ok(one >= driverMs);
  assert.ok(other < soonMs, "another looks already");
  assert.equal(waits(), 2);
  meet("none");
  await clock.advance(5_000);
  assert.ok((await ask()) < soonMs);
  await clock.advance(5_000);
  meet("away");
  assert.ok((await ask()) >= driverMs, "it was back, and is asked again");
});

test("M7.1 cut off from other colos, a group is known by this colo's copy after two seconds", async () => {
  const { clock, ask, askOf, meet, openBook, write, waits } = await createBench();
  await clock.advance(5_000);
  await write("edited", 1);
  meet("cut off from other colos");
  const { tookMs, displayName } = await askOf();
  assert.ok(tookMs >= patienceMs && tookMs < patienceMs + soonMs, `${tookMs}`);
  assert.equal(displayName, "edited");
  for (let asks = 0; asks < 10; asks++) assert.ok((await ask()) < soonMs);
  assert.equal(waits(), 1);
  await clock.advance(5_000);
  assert.ok((await ask()) < patienceMs + soonMs, "one looks again");
  const started = await askOf(openBook());
  assert.ok(started.tookMs < patienceMs + soonMs, "a node that has just started");
  assert.equal(started.displayName, "edited");
  const missing = askOf(openBook(), { ...web, group: "young" as GroupId });
  await assert.rejects(missing, isUnavailable, "it may have been made since");
});

test("M7.1 a store that takes longer than two seconds is not waited for, and is not away", async () => {
  const { clock, ask, askOf, meet, write, waits } = await createBench();
  await clock.advance(5_000);
  meet("slow");
  await write("edited", 1);
  const { tookMs, displayName } = await askOf();
  assert.ok(tookMs >= patienceMs && tookMs < patienceMs + soonMs, `${tookMs}`);
  assert.equal(displayName, "edited");
  await write("edited again", 2);
  await clock.advance(slowMs - patienceMs);
  const later = await askOf();
  assert.deepEqual([later.displayName, waits()], ["edited again", 1], "its answer came late");
  await clock.advance(5_000);
  await ask();
  assert.equal(waits(), 2, "it answers, so it is asked");
});
