import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, ColoId, GroupId, NodeId } from "../../src/core/model/ids.js";
import type { Store } from "../../src/core/ports/store.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createLeases, defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";

const colo = "iad" as ColoId;
const key = { account: "acme" as AccountId, group: "web" as GroupId, colo };
/** A lease does not end when it is looked at anyway. */
const times = { ...defaultLeaseTimes, ttlMs: 15_500 };
const { ttlMs, renewEveryMs, watchEveryMs } = times;
const stepMs = 10;
/** Of the store; so that looks are no whole seconds apart. */
const answerMs = 130;

test("M2.5 whenever a node dies, another has its leases within their time and a second", async () => {
  for (let phaseMs = 0; phaseMs < watchEveryMs; phaseMs += 70) {
    const clock = createVirtualClock(0);
    const memory = createMemoryStore({ clock, random: createRandom(1) });
    const store: Store = {
      ...memory,
      async load(...asked) {
        await new Promise<void>((resolve) => clock.after(answerMs, resolve));
        return memory.load(...asked);
      },
    };
    const ids = createSeededIds(1);
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const join = (name: string) => {
      const ending = new AbortController();
      const { signal } = ending;
      const base = { colo, times, store, clock, ids, log, signal };
      const leases = createLeases({ ...base, node: name as NodeId, gained() {} });
      void leases.start();
      return { leases, die: () => ending.abort() };
    };
    const first = join("first");
    await clock.advance(phaseMs);
    const second = join("second");
    // Right after it has renewed them: nobody has them for longer.
    await clock.advance(6 * renewEveryMs + answerMs + stepMs - phaseMs);
    assert.equal(first.leases.holds(key), true);
    assert.equal(second.leases.holds(key), false);
    first.die();
    const diedAtMs = clock.nowMs();
    while (!second.leases.holds(key)) {
      await clock.advance(stepMs);
      const waitedMs = clock.nowMs() - diedAtMs;
      const boundMs = ttlMs + watchEveryMs + 3 * answerMs + stepMs;
      assert.ok(waitedMs <= boundMs, `${phaseMs}: after ${waitedMs} ms`);
    }
    assert.equal(first.leases.holds(key), false, "both hold it");
  }
});

test("M2.5 M7.2 a node that was cut from the store takes nobody's lease when it is back", async () => {
  const clock = createVirtualClock(0);
  const memory = createMemoryStore({ clock, random: createRandom(1) });
  let opens: Promise<void> | undefined;
  let held = 0;
  const cut: Store = {
    ...memory,
    async load(...asked) {
      if (opens) held++;
      await opens;
      return memory.load(...asked);
    },
  };
  const ids = createSeededIds(1);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const { signal } = new AbortController();
  const join = (name: string, store: Store) => {
    const base = { colo, times, store, clock, ids, log, signal };
    const leases = createLeases({ ...base, node: name as NodeId, gained() {} });
    void leases.start();
    return leases;
  };
  const cutOne = join("cut", cut);
  await clock.advance(stepMs);
  const other = join("other", memory);
  await clock.advance(2 * renewEveryMs);
  assert.equal(cutOne.holds(key), true);
  let open = () => {};
  opens = new Promise((resolve) => {
    open = resolve;
  });
  await clock.advance(ttlMs + renewEveryMs);
  assert.equal(other.holds(key), true, "it was taken over");
  assert.ok(held > 0, "a read hung");
  opens = undefined;
  open();
  for (let passedMs = 0; passedMs < 2 * ttlMs; passedMs += stepMs) {
    await clock.advance(stepMs);
    assert.equal(other.holds(key), true, `lost ${passedMs} ms after the other came back`);
    assert.equal(cutOne.holds(key), false, `taken after ${passedMs} ms`);
  }
});
