import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { AccountId, ColoId } from "../../src/core/model/ids.js";
import type { Log } from "../../src/core/ports/log.js";
import { type Api, createAdmission } from "../../src/supervisor/colo/admission.js";
import { type ColoQueueLimits, createColoQueue } from "../../src/supervisor/colo/colo-queue.js";
import { createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";

/** An admission that is never what a queue waits for. */
function roomyAdmission(api: Api) {
  return createAdmission({
    ...{ api, colo: "iad" as ColoId, limits: { inFlightMax: 1_000 }, share: () => 1 },
    ...{ clock: createVirtualClock(), ids: createSeededIds(1), log: silent },
    signal: new AbortController().signal,
  });
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A queue whose tasks end when they are told to. */
function bench(limits: Partial<ColoQueueLimits> = {}) {
  const queue = createColoQueue(
    { ...{ concurrency: 4, reservedForDeletes: 1, waitingMax: 100 }, ...limits },
    { cloud: roomyAdmission("cloud"), loadBalancer: roomyAdmission("loadBalancer") },
  );
  const started: string[] = [];
  const running = new Map<string, () => void>();
  return {
    ...{ queue, started, running },
    offer(key: string, account = "a", isDelete = false) {
      return queue.offer({
        ...{ key, account: account as AccountId, api: "cloud" },
        class: isDelete ? "delete" : "change",
        run: () =>
          new Promise<void>((resolve) => {
            started.push(key);
            running.set(key, resolve);
          }),
      });
    },
    async end(key: string) {
      running.get(key)!();
      running.delete(key);
      await settle();
    },
  };
}

/** Lets every promise that can go on go on. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

test("M2.3 the queue is bounded, and says how many creates may be asked for", async () => {
  const { queue, offer } = bench({ waitingMax: 3 });
  assert.equal(queue.free(), 3, "what may wait bounds it here");
  for (const key of ["1", "2", "3"]) assert.ok(offer(key));
  assert.equal(queue.free(), 0);
  assert.equal(offer("4"), false);
  await settle();
  assert.deepEqual([queue.running, queue.waiting, queue.free()], [3, 0, 3]);
  assert.ok(offer("4"));
});

test("M2.3 who found nothing free is woken by what ends, accounts taking turns", async () => {
  const { queue, offer, end } = bench();
  const woken: string[] = [];
  const wait = (key: string, account: string) =>
    queue.whenFree({ key, account: account as never, wake: () => woken.push(key) });
  for (const key of ["c0", "c1", "c2"]) offer(key);
  await settle();
  wait("a1", "a");
  wait("a2", "a");
  wait("b1", "b");
  await settle();
  assert.deepEqual(woken, []);
  await end("c0");
  assert.deepEqual(woken, ["a1", "b1", "a2"]);
});

test("M2.4 no more run at once than may; one slot is kept for deletes", async () => {
  const { queue, offer, started, end } = bench();
  for (let index = 0; index < 6; index++) offer(`c${index}`);
  await settle();
  assert.deepEqual(started, ["c0", "c1", "c2"], "the last slot is for deletes");
  offer("d0", "a", true);
  offer("d1", "a", true);
  await settle();
  assert.deepEqual(started.slice(3), ["d0"]);
  assert.equal(queue.running, 4);
  await end("c0");
  assert.deepEqual(started.slice(4), ["d1"], "deletes go first");
  await end("d0");
  await end("d1");
  assert.deepEqual(started.slice(5), ["c3"]);
});

test("M2.4 accounts take turns, however much one of them wants", async () => {
  const { offer, started, end } = bench({ concurrency: 1, reservedForDeletes: 0 });
  for (let index = 0; index < 10; index++) offer(`a${index}`, "a");
  await settle();
  offer("b0", "b");
  offer("b1", "b");
  offer("c0", "c");
  for (let index = 0; index < 7; index++) await end(started.at(-1)!);
  assert.deepEqual(started, ["a0", "a1", "b0", "c0", "a2", "b1", "a3", "a4"]);
});

test("the same task is not taken twice, until it has ended", async () => {
  const { queue, offer, end } = bench();
  assert.ok(offer("1"));
  assert.equal(offer("1"), false);
  assert.equal(queue.standing("1"), "queued");
  await settle();
  assert.equal(queue.standing("1"), "running");
  assert.equal(offer("1"), false);
  await end("1");
  assert.equal(queue.standing("1"), undefined);
  assert.ok(offer("1"));
});

test("what waits can be withdrawn for certain; what runs cannot", async () => {
  const { queue, offer, started, end } = bench({ concurrency: 1, reservedForDeletes: 0 });
  for (const key of ["1", "2", "3"]) offer(key);
  await settle();
  assert.equal(queue.withdraw("1"), false);
  assert.equal(queue.withdraw("2"), true);
  assert.equal(queue.withdraw("2"), false);
  assert.equal(queue.standing("2"), undefined);
  await end("1");
  assert.deepEqual(started, ["1", "3"]);
});

test("draining starts nothing more and waits for what runs", async () => {
  const { queue, offer, started, end } = bench({ concurrency: 1, reservedForDeletes: 0 });
  offer("1");
  offer("2");
  await settle();
  let drained = false;
  void queue.drain().then(() => {
    drained = true;
  });
  await settle();
  assert.equal(drained, false);
  assert.equal(offer("3"), false);
  await end("1");
  assert.equal(drained, true);
  assert.deepEqual(started, ["1"]);
});

test("M2.4 whatever comes in whatever order: bounds hold, and every task that stays runs", async () => {
  const action = fc.oneof(
    fc.record({
      kind: fc.constant("offer" as const),
      account: fc.constantFrom("a", "b", "c"),
      isDelete: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("end" as const), index: fc.nat(20) }),
    fc.record({ kind: fc.constant("withdraw" as const), index: fc.nat(30) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const { queue, offer, started, running, end } = bench({ concurrency: 3, waitingMax: 8 });
      const due = new Set<string>();
      for (const [index, step] of actions.entries()) {
        if (step.kind === "offer") {
          if (offer(`t${index}`, step.account, step.isDelete)) due.add(`t${index}`);
        } else if (step.kind === "end") {
          const key = [...running.keys()][step.index % Math.max(1, running.size)];
          if (key) await end(key);
        } else if (queue.withdraw(`t${step.index}`)) due.delete(`t${step.index}`);
        if (index % 3 === 0) await settle();
        assert.ok(queue.running <= 3 && queue.waiting <= 8);
      }
      for (let round = 0; round < 100 && queue.running + queue.waiting > 0; round++) {
        await settle();
        for (const key of [...running.keys()]) await end(key);
      }
      assert.deepEqual(new Set(started), due);
    }),
    { numRuns: 60 },
  );
});
