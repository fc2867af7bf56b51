import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlacementKey } from "../../src/core/model/ids.js";
import { createWakeups } from "../../src/supervisor/converge/wakeups.js";
import { createWatch } from "../../src/supervisor/converge/watch.js";
import { createHands } from "../../src/supervisor/hands.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";

const key = (group: string) => ({ account: "acme", group, colo: "iad" }) as unknown as PlacementKey;

function bench(turnMs = 0, awaited: ReadonlySet<string> = new Set()) {
  const clock = createVirtualClock();
  const turns: string[] = [];
  let running = 0;
  let most = 0;
  const hands = createHands(clock);
  const wakeups = createWakeups({
    ...{ clock, hands, isAwaited: ({ group }) => awaited.has(group) },
    async turn({ group }) {
      turns.push(group);
      running++;
      most = Math.max(most, running);
      if (turnMs > 0) await new Promise<void>((resolve) => clock.after(turnMs, resolve));
      running--;
    },
  });
  return { clock, wakeups, turns, most: () => most };
}

test("M2.4 a burst of wake-ups is the turn that the first began and one more", async () => {
  const { clock, wakeups, turns } = bench();
  for (let count = 0; count < 100; count++) wakeups.wake(key(count % 2 ? "web" : "api"));
  await clock.advance(1_000);
  assert.deepEqual(turns.toSorted(), ["api", "api", "web", "web"]);
});

test("M2.4 wake-ups during a turn are one more turn, never two at once", async () => {
  const { clock, wakeups, turns, most } = bench(100);
  wakeups.wake(key("web"));
  await clock.advance(50);
  for (let count = 0; count < 100; count++) wakeups.wake(key("web"));
  await clock.advance(1_000);
  assert.equal(turns.length, 2);
  assert.equal(most(), 1);
});

test("the earliest of several times counts; a wake-up takes the timer's place", async () => {
  const { clock, wakeups, turns } = bench();
  const at = (delayMs: number) => wakeups.wakeAt(key("web"), clock.nowMs() + delayMs);
  at(1_000);
  at(300);
  at(2_000);
  await clock.advance(299);
  assert.equal(turns.length, 0);
  await clock.advance(1);
  assert.equal(turns.length, 1);
  await clock.advance(10_000);
  assert.equal(turns.length, 1, "the later ones were the same wish");
  at(500);
  wakeups.wake(key("web"));
  await clock.advance(10_000);
  assert.equal(turns.length, 2);
});

test("a turn that asks for now again and again leaves room for others", async () => {
  const clock = createVirtualClock();
  let turns = 0;
  const wakeups = createWakeups({
    ...{ clock, hands: createHands(clock), isAwaited: () => false },
    async turn(one) {
      turns++;
      wakeups.wakeAt(one, clock.nowMs() - 5);
    },
  });
  wakeups.wake(key("web"));
  await clock.advance(1_000);
  assert.ok(turns <= 102, `${turns} turns in a second`);
});

test("after the stop nothing runs any more", async () => {
  const { clock, wakeups, turns } = bench(100);
  wakeups.wakeAt(key("later"), clock.nowMs() + 500);
  wakeups.wake(key("web"));
  await clock.advance(10);
  const stopped = wakeups.stop();
  await clock.advance(200);
  await stopped;
  wakeups.wake(key("web"));
  await clock.advance(10_000);
  assert.deepEqual(turns, ["web"]);
});

test("B4.3 one look serves all who ask, while it is young enough", async () => {
  const clock = createVirtualClock();
  let looks = 0;
  const watch = createWatch(clock, async (one: string) => {
    looks++;
    await new Promise<void>((resolve) => clock.after(50, resolve));
    return `${one}${looks}`;
  });
  const ask = async (maxAgeMs: number) => {
    const look = watch.look("a", maxAgeMs);
    await clock.advance(200);
    const seen = await look;
    return seen.kind === "seen" ? seen.value : seen.fault;
  };
  const together = Array.from({ length: 10 }, () => watch.look("a", 1_000));
  await clock.advance(60);
  assert.equal(new Set(await Promise.all(together)).size, 1);
  assert.equal(await ask(1_000), "a1");
  assert.equal(await ask(100), "a2");
  watch.forget("a");
  assert.equal(await ask(1_000_000), "a3");
});

test("B4.3 a look that takes longer than it may be old is shared all the same", async () => {
  const clock = createVirtualClock();
  let looks = 0;
  const watch = createWatch(clock, async () => {
    looks++;
    await new Promise<void>((resolve) => clock.after(5_000, resolve));
    return looks;
  });
  let answered = 0;
  const ask = async (maxAgeMs: number) => {
    await watch.look("a", maxAgeMs);
    answered++;
  };
  void ask(1_000);
  await clock.advance(3_000);
  for (let count = 0; count < 20; count++) void ask(0);
  await clock.advance(8_000);
  assert.deepEqual([answered, looks], [21, 2], "the one under way, and one more for all");
});

test("B9.4 a slow cloud has rest between looks, but for who wants it fresh", async () => {
  const clock = createVirtualClock();
  let looks = 0;
  const watch = createWatch(clock, async () => {
    looks++;
    await new Promise<void>((resolve) => clock.after(5_000, resolve));
  });
  void watch.look("a", 1_000);
  for (const [atMs, looksByThen] of [
    [5_900, 1],
    [6_100, 2],
    [12_000, 2],
    [12_300, 3],
  ] as const) {
    await clock.advance(atMs - clock.monotonicMs());
    void watch.look("a", 1_000);
    assert.equal(looks, looksByThen, `after ${atMs} ms`);
  }
  await clock.advance(6_000);
  void watch.look("a", 0);
  assert.equal(looks, 4);
});

test("B4.3 a look that was under way when something changed does not count", async () => {
  const clock = createVirtualClock();
  let truth = "old";
  const watch = createWatch(clock, async () => {
    const seen = truth;
    await new Promise<void>((resolve) => clock.after(50, resolve));
    return seen;
  });
  const first = watch.look("a", 1_000);
  await clock.advance(10);
  truth = "new";
  watch.forget("a");
  const second = watch.look("a", 1_000);
  await clock.advance(500);
  assert.equal((await first).kind, "seen");
  const look = await second;
  assert.equal(look.kind === "seen" && look.value, "new");
});

test("B9.4 what somebody waits for is begun before all that a node does of its own accord", async () => {
  const { clock, wakeups, turns } = bench(10, new Set(["watched"]));
  for (let nth = 0; nth < 1_000; nth++) wakeups.wake(key(`routine-${nth}`));
  wakeups.wake(key("watched"));
  wakeups.wakeNow(key("asked"));
  wakeups.wakeNow(key("routine-999"));
  await clock.advance(10);
  const first = turns.slice(0, 40);
  for (const one of ["watched", "asked", "routine-999"]) assert.ok(first.includes(one), one);
  await clock.advance(10_000);
  assert.equal(turns.length, 1_002, "each had its turn, and none a second one for being hurried");
});

test("B9.4 so many placements wait that looking again is spread; who is waited for is not", async () => {
  const { clock, wakeups, turns } = bench(0, new Set(["watched"]));
  const soonMs = clock.nowMs() + 500;
  for (let nth = 0; nth < 2_000; nth++) wakeups.wakeAt(key(`waits-${nth}`), soonMs);
  wakeups.wakeAt(key("watched"), soonMs);
  await clock.advance(1_000);
  assert.ok(turns.includes("watched"));
  assert.ok(turns.length <= 501, `${turns.length} turns in the first second`);
  await clock.advance(10_000);
  assert.equal(turns.length, 2_001);
});
