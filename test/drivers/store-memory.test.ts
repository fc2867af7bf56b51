import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import {
  createMemoryStore,
  createStoreFaults,
  healStoreFaults,
  type StoreFaultName,
} from "../../src/drivers/store-memory/index.js";
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
import { createRandom } from "../simulation/virtual-clock.js";
import { createRunningClock } from "./running-clock.js";

storeContract("in memory", { open: async () => openBench(1) });

/** Half of the answers that are to be lost are lost before the commit, half after it. */
function openBench(seed: number): StoreBench {
  const { store, clock, faults, random } = open(seed);
  return {
    store,
    nowMs: () => clock.nowMs(),
    advance: (ms) => clock.advance(ms),
    async commitLosingAnswer(commit) {
      const name = random() < 0.5 ? "lostBeforeCommit" : "lostAfterCommit";
      // One at a time: healing for one would heal the next one's fault before it struck.
      return exclusively(async () => {
        faults.chance[name] = 1;
        const error = await store.commit(commit, patientCall()).then(
          () => assert.fail("its answer was to be lost"),
          (reason: unknown) => reason,
        );
        healStoreFaults(faults);
        return error;
      });
    },
    answersLost: () => faults.fired.lostAfterCommit + faults.fired.lostBeforeCommit,
    dispose: () => store.close(),
  };
}

let turn: Promise<unknown> = Promise.resolve();

function exclusively<Value>(task: () => Promise<Value>): Promise<Value> {
  const mine = turn.then(task, task);
  turn = mine.catch(() => undefined);
  return mine;
}

function open(seed: number) {
  const clock = createRunningClock();
  const faults = createStoreFaults();
  const random = createRandom(seed);
  return { store: createMemoryStore({ clock, random, faults }), clock, faults, random };
}

const call = patientCall();
const web = placement("web");

describe("the in-memory store's faults", () => {
  test("an unavailable store does nothing, and counts it", async () => {
    const { store, faults } = open(2);
    faults.chance.unavailable = 1;
    const hints = [{ index: "due", key: "a", value: "" }];
    await assert.rejects(store.commit(commitOf(web, 0, { hints }), call), (error) =>
      isFault(error, "STORE_UNAVAILABLE"),
    );
    assert.equal(faults.fired.unavailable, 1);
    healStoreFaults(faults);
    assert.equal((await store.load(web, "all", call)).revision, 0);
    assert.deepEqual(await store.listHints({ index: "due", afterKey: "", hintsMax: 1 }, call), []);
  });

  test("hints are there before their commit, and stay when it is refused", async () => {
    const { store } = open(3);
    const refused = commitOf(web, 5, { hints: [{ index: "due", key: "a", value: "1" }] });
    await assert.rejects(store.commit(refused, call));
    const [hint] = await store.listHints({ index: "due", afterKey: "", hintsMax: 1 }, call);
    assert.equal(hint?.value, "1");
  });

  test("a stale replica lists what was, until it has caught up", async () => {
    const { store, faults, clock } = open(4);
    const list = () => store.listHints({ index: "due", afterKey: "", hintsMax: 9 }, call);
    await store.putHints([{ index: "due", key: "a", value: "old" }], call);
    clock.advance(60_000);
    await store.putHints([{ index: "due", key: "a", value: "new" }], call);
    await store.putHints([{ index: "due", key: "b", value: "new" }], call);
    faults.chance.hintsStale = 1;
    assert.deepEqual(await list(), [{ index: "due", key: "a", value: "old" }]);
    assert.equal(faults.fired.hintsStale, 1);
    clock.advance(faults.hintsLagMs);
    assert.deepEqual((await list()).length, 2);
  });

  test("a late feed holds events back, and loses none", async () => {
    const { store, faults } = open(5);
    faults.chance.feedLate = 0.7;
    const partitions = countTo(6).map((n) => placement(`group-${n}`));
    const seen: string[] = [];
    let cursor = "";
    for (let revision = 0; revision < 20; revision++) {
      for (const partition of partitions)
        await store.commit(
          commitOf(partition, revision, { events: [eventOf(partition, revision + 1)] }),
          call,
        );
      const page = await store.readFeed(cursor, 50, call);
      cursor = page.at(-1)?.cursor ?? cursor;
      seen.push(...page.map(({ event }) => event.id));
    }
    assert.ok(seen.length < 120, "nothing was late");
    assert.ok(faults.fired.feedLate > 0);
    healStoreFaults(faults);
    const rest = await readWholeFeed(store, cursor, 50);
    assert.equal(new Set([...seen, ...rest.map(({ event }) => event.id)]).size, 120);
    assert.equal(seen.length + rest.length, 120);
  });

  test("a cursor that no reading gave is none, though its numbers exist", async () => {
    const { store } = open(9);
    for (const partition of [web, placement("db")])
      await store.commit(commitOf(partition, 0, { events: [eventOf(partition, 1)] }), call);
    const [first] = await store.readFeed("", 1, call);
    const forged = first?.cursor === "seen:0.1" ? "seen:1.1" : "seen:0.1";
    await assert.rejects(store.readFeed(forged, 1, call), (error) =>
      isFault(error, "CURSOR_INVALID"),
    );
  });

  test("slow takes its time on the clock", async () => {
    const { store, faults, clock } = open(6);
    faults.chance.slow = 1;
    const startMs = clock.nowMs();
    await store.load(web, "all", call);
    assert.ok(clock.nowMs() - startMs >= 2 * faults.slowMs);
    assert.equal(faults.fired.slow, 2);
  });

  test("one seed tells one story twice", async () => {
    const story = async (seed: number) => {
      const { store, faults, clock } = open(seed);
      for (const name of Object.keys(faults.chance) as StoreFaultName[]) faults.chance[name] = 0.2;
      const told = await Promise.all(
        countTo(60).map(async (n) => {
          const partition = placement(`group-${n % 7}`);
          const commit = commitOf(partition, Math.floor(n / 9), { puts: [row("a", n)] });
          const said = await store.commit(commit, call).then(
            () => "committed",
            (error: unknown) => (isFault(error) ? error.reason : String(error)),
          );
          return `${n} ${said} at ${clock.monotonicMs()}`;
        }),
      );
      return [...told, JSON.stringify(faults.fired)];
    };
    assert.deepEqual(await story(7), await story(7));
    assert.notDeepEqual(await story(7), await story(8));
  });
});

test("M2.1 whoever listens is told of a commit that took effect though its answer was lost", async () => {
  const told: string[] = [];
  const clock = createRunningClock();
  const faults = createStoreFaults();
  const onCommit = ({ commitId }: { readonly commitId: string }) => void told.push(commitId);
  const store = createMemoryStore({ clock, random: createRandom(1), faults, onCommit });
  const commit = commitOf(placement("web"), 0, { puts: [row("self")] });
  for (const name of ["lostBeforeCommit", "lostAfterCommit"] as const) {
    faults.chance[name] = 1;
    await assert.rejects(store.commit({ ...commit, commitId: name }, patientCall()));
    healStoreFaults(faults);
  }
  assert.deepEqual(told, ["lostAfterCommit"]);
});
