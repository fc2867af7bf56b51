import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../src/core/model/ids.js";
import { createHands } from "../../src/supervisor/hands.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";

const iad = "iad" as ColoId;
const ams = "ams" as ColoId;

function bench() {
  const clock = createVirtualClock();
  const hands = createHands(clock);
  const begun: string[] = [];
  let running = 0;
  return {
    ...{ clock, hands, begun },
    running: () => running,
    take(key: string, tookMs: number, { colo = iad, isAwaited = false } = {}) {
      const run = async () => {
        begun.push(key);
        running++;
        await new Promise<void>((resolve) => clock.after(tookMs, resolve));
        running--;
      };
      hands.take({ key, colo, isAwaited, run });
    },
  };
}

test("B9.4 routine work is done a little at a time, in the order in which it came", async () => {
  const { clock, take, begun, running } = bench();
  for (let nth = 0; nth < 100; nth++) take(`${nth}`, 10);
  await clock.advance(1);
  assert.equal(running(), 16);
  await clock.advance(100);
  assert.deepEqual(
    begun,
    Array.from({ length: 100 }, (_, nth) => `${nth}`),
  );
});

test("B9.4 what is asked for is begun at once, however much routine work there is", async () => {
  const { clock, take, begun } = bench();
  for (let nth = 0; nth < 1_000; nth++) take(`${nth}`, 10);
  for (let nth = 0; nth < 100; nth++) take(`asked-${nth}`, 10, { isAwaited: true });
  await clock.advance(0);
  assert.equal(begun.filter((key) => key.startsWith("asked")).length, 100);
});

test("B4.11 who waits for the outside keeps no hand: others go on, up to the colo's bound", async () => {
  const { clock, take, begun, running } = bench();
  const hangs = 1_000_000;
  for (let nth = 0; nth < 1_000; nth++) take(`hangs-${nth}`, hangs);
  for (let nth = 0; nth < 100; nth++) take(`other-${nth}`, 1, { colo: ams });
  await clock.advance(400);
  assert.equal(begun.filter((key) => key.startsWith("other")).length, 100);
  await clock.advance(10_000);
  assert.equal(running(), 256);
  take("asked", 1, { colo: ams, isAwaited: true });
  take("routine", 1, { colo: ams });
  await clock.advance(1);
  assert.deepEqual(begun.slice(-2), ["asked", "routine"]);
});

test("what waits is dropped at the end; what runs is waited for", async () => {
  const { clock, hands, take, begun, running } = bench();
  for (let nth = 0; nth < 100; nth++) take(`${nth}`, 30);
  await clock.advance(1);
  let isOver = false;
  void hands.rest().then(() => {
    isOver = true;
  });
  await clock.advance(20);
  assert.equal(isOver, false);
  await clock.advance(1_000);
  assert.deepEqual([isOver, running(), begun.length], [true, 0, 16]);
});
