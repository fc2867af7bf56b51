import assert from "node:assert/strict";
import { test } from "node:test";
import { createWires } from "../supervisor/ports.js";
import { createCup } from "./dice.js";
import { drawScenario } from "./draw.js";
import { createSkewedClock, createVirtualClock } from "./virtual-clock.js";

test("M8.1 timers run in order of time and of setting; what was cancelled does not", async () => {
  const clock = createVirtualClock(0);
  const seen: string[] = [];
  clock.after(20, () => seen.push("late"));
  clock.after(10, () => {
    seen.push("first");
    never.cancel();
    clock.after(0, () => seen.push("set by the first"));
    void Promise.resolve().then(() => seen.push("its promise"));
  });
  const never = clock.after(10, () => seen.push("never"));
  clock.after(10, () => seen.push("second"));
  await clock.advance(15);
  assert.deepEqual(seen, ["first", "second", "its promise", "set by the first"]);
  assert.equal(clock.nowMs(), 15);
  assert.equal(await clock.next(4), false);
  assert.equal(await clock.next(5), true);
  assert.equal(seen.at(-1), "late");
});

test("M8.1 a node's watch may be wrong, and a little too fast", async () => {
  const clock = createVirtualClock(0);
  const watch = createSkewedClock(clock, { wallMs: 500, driftPpm: 1e6 });
  let firedAtMs = 0;
  watch.after(100, () => {
    firedAtMs = clock.nowMs();
  });
  await clock.advance(200);
  assert.deepEqual([firedAtMs, watch.nowMs(), watch.monotonicMs()], [50, 700, 400]);
});

for (const sent of [true, false])
  test(`M2.5 wires are cut at a call that was ${sent ? "" : "not "}sent`, async () => {
    let calls = 0;
    let dead = 0;
    const wires = createWires();
    const port = wires.through({ ask: async () => ++calls });
    wires.cutAt({ calls: 2, sent, done: () => dead++ });
    assert.equal(await port.ask(), 1);
    const answer = Promise.race([port.ask(), Promise.resolve("none")]);
    assert.equal(await answer, "none");
    void port.ask();
    assert.deepEqual([calls, dead, wires.standing], [sent ? 2 : 1, 1, "dead"]);
  });

test("M8.1 one draw more under one label moves nothing under another", () => {
  const [one, other] = [createCup(7), createCup(7)];
  one.dice("a").real();
  assert.equal(one.dice("b").real(), other.dice("b").real());
  assert.notEqual(one.dice("b").real(), one.dice("c").real());
});

test("M8.1 a seed is a scenario, always the same, in order", () => {
  for (const seed of [1, 2, 3]) {
    const scenario = drawScenario(seed);
    assert.deepEqual(scenario, drawScenario(seed));
    const times = scenario.actions.map((one) => one.atMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  }
});

test("M8.1 the seeds that CI runs are at least 10,000 group-hours", () => {
  let hours = 0;
  for (let seed = 1; seed <= 1100; seed++) {
    const { groups, durationMs } = drawScenario(seed);
    hours += (groups.length * durationMs) / 3_600_000;
  }
  assert.ok(hours > 10_000, `${hours} group-hours`);
});
