import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "../../src/core/errors/fault.js";
import type { AccountId, GroupId } from "../../src/core/model/ids.js";
import type { Commit, Store } from "../../src/core/ports/store.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createGroupBook } from "../../src/supervisor/group-book.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";

const web = { account: "acme" as AccountId, group: "web" as GroupId };
const { signal } = new AbortController();
/** As long as a driver waits for most colos. */
const patienceMs = 10_000;
const soonMs = 100;

/** A group that is known, on a store that can be cut off: each read then waits before it fails. */
async function createBench() {
  const clock = createVirtualClock();
  const memory = createMemoryStore({ clock, random: createRandom(1) });
  let isCut = false;
  let waits = 0;
  const store: Store = {
    ...memory,
    async load(...asked) {
      if (!isCut) return memory.load(...asked);
      waits++;
      await new Promise<void>((resolve) => void clock.after(patienceMs, resolve));
      throw new Fault("STORE_UNAVAILABLE", { say: "cut off" });
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
  const value = JSON.stringify({ ...web, id: web.group });
  const made: Commit = {
    ...{ partition: { scope: "group", key: "acme/web" }, expectedRevision: 0, commitId: "made" },
    ...{ puts: [{ kind: "group", key: "self", value }], deletes: [], events: [], hints: [] },
  };
  await run(memory.commit(made, { signal }));
  const book = createGroupBook({ store, ids: createSeededIds(1), clock });
  /** Resolves to how long it took, in milliseconds. */
  const ask = async () => {
    const asking = book.get(web, signal);
    const tookMs = await run(asking);
    assert.ok((await asking).group);
    return tookMs;
  };
  await ask();
  const cut = (how: boolean) => {
    isCut = how;
  };
  return { clock, ask, cut, waits: () => waits };
}

test("M7.1 while the store is away one caller at a time waits to see whether it is back", async () => {
  const { clock, ask, cut, waits } = await createBench();
  cut(true);
  await clock.advance(5_000);
  assert.ok((await ask()) >= patienceMs, "the first has to find out");
  for (let asks = 0; asks < 10; asks++) assert.ok((await ask()) < soonMs);
  await clock.advance(5_000);
  const [one, other] = await Promise.all([ask(), ask()]);
  assert.ok(one >= patienceMs);
  assert.ok(other < soonMs, "another looks already");
  assert.equal(waits(), 2);
  cut(false);
  await clock.advance(5_000);
  assert.ok((await ask()) < soonMs);
  await clock.advance(5_000);
  cut(true);
  assert.ok((await ask()) >= patienceMs, "it was back, and is asked again");
});
