import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createPatience } from "../../../src/drivers/lb-octavia/patience.js";
import { createTurns } from "../../../src/drivers/lb-octavia/turns.js";
import { createSeededIds, createVirtualClock } from "../../simulation/virtual-clock.js";
import { outside } from "../lb-helpers.js";

function createWaiting(msMax = 10_000) {
  const clock = createVirtualClock();
  const caller = new AbortController();
  const ids = createSeededIds(7);
  const patience = createPatience({ clock, ids, signal: caller.signal, msMax });
  return { clock, caller, patience };
}

/** A promise, and how to keep it. */
function promise() {
  let keep = () => {};
  const kept = new Promise<void>((resolve) => {
    keep = resolve;
  });
  return { kept, keep };
}

describe("octavia's patience", () => {
  test("B4.11 pauses grow, and end in a conflict when the call's time is over", async () => {
    const { clock, patience } = createWaiting();
    const startedMs = clock.monotonicMs();
    const beganAtMs: number[] = [];
    const pausing = (async () => {
      for (;;) {
        beganAtMs.push(clock.monotonicMs());
        await patience.pause("it is busy");
      }
    })();
    const late = assert.rejects(pausing, (error) => {
      assert.equal((error as { retryAfterMs?: number }).retryAfterMs, 1_000);
      return outside("conflict")(error);
    });
    await clock.advance(20_000);
    await late;
    assert.ok(beganAtMs.length > 5 && beganAtMs.length < 20, `${beganAtMs.length} looks`);
    assert.ok(beganAtMs[1]! - startedMs <= 130, "the first look is soon");
    assert.ok(beganAtMs.every((ms) => ms - startedMs <= 10_000));
  });

  test("B4.11 whoever asked may give up at any time", async () => {
    const { caller, patience } = createWaiting();
    const pausing = assert.rejects(patience.pause("it is busy"), outside("temporary"));
    caller.abort();
    await pausing;
    await assert.rejects(patience.pause("it is busy"), outside("temporary"));
  });

  test("B5.4 work of one load balancer is one after the other, and others' goes on", async () => {
    const { patience } = createWaiting();
    const turns = createTurns();
    const steps: string[] = [];
    const [first, second] = [promise(), promise()];
    const take = (key: string, name: string, work: Promise<void>) =>
      turns.take(
        key,
        (before) => patience.waitFor(before, "others"),
        async () => {
          steps.push(`${name} begins`);
          await work;
          steps.push(`${name} ends`);
        },
      );
    const all = [take("one", "a", first.kept), take("one", "b", second.kept)];
    await take("two", "c", Promise.resolve());
    assert.deepEqual(steps, ["a begins", "c begins", "c ends"]);
    second.keep();
    first.keep();
    await Promise.all(all);
    assert.deepEqual(steps.slice(3), ["a ends", "b begins", "b ends"]);
  });

  test("B5.4 who waited in vain lets nobody overtake those who still work", async () => {
    const { clock, patience } = createWaiting(1_000);
    const turns = createTurns();
    const steps: string[] = [];
    const work = promise();
    const patient = (before: Promise<void>) => before;
    const first = turns.take("one", patient, () => work.kept.then(() => void steps.push("first")));
    const late = assert.rejects(
      turns.take(
        "one",
        (before) => patience.waitFor(before, "others"),
        async () => void steps.push("late"),
      ),
      outside("conflict"),
    );
    const third = turns.take("one", patient, async () => void steps.push("third"));
    await clock.advance(2_000);
    await late;
    assert.deepEqual(steps, []);
    work.keep();
    await Promise.all([first, third]);
    assert.deepEqual(steps, ["first", "third"]);
  });
});
