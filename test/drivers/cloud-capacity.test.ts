import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { OutsideFault } from "../../src/core/errors/outside-fault.js";
import { createAgenda } from "../../src/drivers/cloud-simulated/capacity/agenda.js";
import {
  type Capacity,
  createFront,
  createSimulatedCloud,
  forkChance,
  type Second,
} from "../../src/drivers/cloud-simulated/index.js";
import { createRandom, createVirtualClock } from "../simulation/virtual-clock.js";

const never = new AbortController().signal;
/** Ten a second. */
const small: Capacity = { workers: 2, serviceMs: 200, queueMax: 10, refuseWith: "throttled" };
const tenants = { perSecond: 80, patienceMs: 8_000, retryMs: 2_000, attemptsMax: 2 };
/** 200 a second; what waits in a full queue waits 25 s, and every tenant has given up by then. */
const shared: Capacity = {
  ...{ workers: 40, serviceMs: 200, queueMax: 5_000, refuseWith: "temporary", tenants },
};

function frontOf(capacity: Capacity, seed = 1) {
  const clock = createVirtualClock();
  const front = createFront(capacity, { clock, fork: forkChance(createRandom(seed)) });
  const sum = (of: (second: Second) => number) =>
    front.seconds().reduce((total, one) => total + of(one), 0);
  return { clock, front, sum };
}

test("M6.3 what is due is taken in order of time, and of entry", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const agenda = createAgenda();
      const taken: number[] = [];
      times.forEach((atMs, index) => {
        agenda.add(atMs, () => void taken.push(index));
      });
      for (let next = agenda.take(); next; next = agenda.take()) next.run();
      const expected = times.map((_, index) => index).toSorted((a, b) => times[a]! - times[b]!);
      assert.deepEqual(taken, expected);
    }),
  );
});

test("M6.3 so many workers do so much a second, first come, first served", async () => {
  const { clock, front } = frontOf({ ...small, queueMax: 100 });
  const order: number[] = [];
  for (let index = 0; index < 40; index++)
    void front.enter("get", never).then(() => order.push(index));
  await clock.advance(6_000);
  const ours = front.seconds().map((one) => one.ours);
  assert.deepEqual(
    ours.map((one) => one.served),
    [8, 10, 10, 10, 2, 0],
  );
  assert.equal(ours[0]?.arrived, 40);
  assert.ok(front.seconds().every((one) => one.capacity === 10));
  assert.deepEqual(
    order,
    Array.from({ length: 40 }, (_, index) => index),
  );
});

test("B9.4 a full queue refuses at once, with 429 and when to come again", async () => {
  const { clock, front } = frontOf({ ...small, retryAfterMs: 3_000 });
  const faults: unknown[] = [];
  for (let index = 0; index < 15; index++)
    front.enter("create", never).catch((error: unknown) => faults.push(error));
  await clock.advance(1);
  assert.equal(faults.length, 3, "two at work and ten in the queue");
  const [first] = faults;
  assert.ok(first instanceof OutsideFault);
  assert.deepEqual([first.kind, first.ambiguous, first.retryAfterMs], ["throttled", false, 3_000]);
});

test("M6.3 who gave up is worked for all the same: the server comes, for nobody", async () => {
  const clock = createVirtualClock();
  const random = createRandom(1);
  const cloud = createSimulatedCloud({ clock, random, capacity: { ...small, workers: 1 } });
  const driver = cloud.openDriver();
  const giveUp = new AbortController();
  const launch = { image: "x", flavor: "y", userData: "", metadata: {}, parameters: {} };
  const create = (server: string) => {
    const tags = { installation: "here", account: "a", group: "g", colo: "iad", server };
    const ownership = { ...tags, launchRevision: 1 };
    const request = { account: "a", name: server, launch, ownership };
    return driver.createServer(request, { signal: giveUp.signal }).catch((error) => error);
  };
  const answers = ["s1", "s2", "s3"].map(create);
  await clock.advance(300);
  giveUp.abort();
  const [first, second] = await Promise.all(answers);
  assert.equal(first.status, "BUILD");
  assert.ok(second instanceof OutsideFault && second.ambiguous, "it may have happened");
  assert.equal(cloud.servers().length, 1);
  await clock.advance(2_000);
  assert.equal(cloud.servers().length, 3);
  const wasted = cloud.front?.seconds().reduce((total, one) => total + one.ours.wasted, 0);
  assert.equal(wasted, 2);
});

test("M6.3 errors cost their time, are ambiguous, and nothing is done", async () => {
  const clock = createVirtualClock();
  const cloud = createSimulatedCloud({ clock, random: createRandom(1), capacity: small });
  cloud.front?.setCondition({ errorShare: 1, slowness: 2 });
  const driver = cloud.openDriver();
  const asked = driver
    .deleteServer({ account: "a", id: "none" as never }, { signal: never })
    .catch((error: unknown) => error);
  await clock.advance(500);
  const fault = await asked;
  assert.ok(fault instanceof OutsideFault && fault.kind === "temporary" && fault.ambiguous);
  assert.equal(cloud.effects.length, 0);
});

/** A minute of health, five of trouble, and then well again. */
async function blip(seed: number, during: (front: ReturnType<typeof frontOf>) => void) {
  const made = frontOf(shared, seed);
  await made.clock.advance(60_000);
  made.front.setCondition({ workersShare: 0.1, errorShare: 0.3 });
  await made.clock.advance(300_000);
  made.front.setCondition({});
  during(made);
  await made.clock.advance(300_000);
  return made.front.seconds();
}
const isWell = (second: Second | undefined) => second !== undefined && second.tenants.lost === 0;

test("M6.3 the trouble outlasts its cause by minutes, and more demand keeps it for good", async () => {
  const alone = await blip(1, () => {});
  assert.ok(alone.slice(0, 60).every(isWell));
  assert.ok(!isWell(alone[360 + 60]), "a minute after the blip the queue still starves them");
  assert.ok(alone.slice(360 + 150).every(isWell));

  const pressed = await blip(1, ({ clock, front }) => {
    const press = () => {
      for (let index = 0; index < 5; index++) front.enter("list", never).catch(() => {});
      clock.after(100, press);
    };
    press();
  });
  assert.ok(
    pressed.slice(-60).every((second) => !isWell(second)),
    "50 a second are too many",
  );
});

test("M6.3 the same seed asks the same of the cloud, whatever else is asked of it", async () => {
  const first = await blip(7, () => {});
  assert.deepEqual(first, await blip(7, () => {}));
  const other = await blip(8, () => {});
  assert.notDeepEqual(first, other);
  const { clock, front, sum } = frontOf(shared, 7);
  void front.enter("get", never);
  await clock.advance(60_000);
  const arrivals = first.slice(0, 60).reduce((total, one) => total + one.tenants.arrived, 0);
  assert.equal(
    sum((one) => one.tenants.arrived),
    arrivals,
  );
});
