import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { EventBatch, Subscribe } from "../../src/supervisor/api.js";
import {
  assertGapFree,
  converges,
  createGroup,
  groupSpec,
  placed,
  setTarget,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

interface Subscriber {
  readonly events: MusterEvent[];
  cursor: string | undefined;
  heartbeats: number;
  failure: unknown;
  ended: boolean;
  stop(): void;
}

/** Reads along until it is stopped or its node dies; knows nothing but its own cursor. */
function follow(world: World, change: Partial<Subscribe> = {}, onBatch = () => {}): Subscriber {
  const leaving = new AbortController();
  const request = { account: web.account, types: [], heartbeatMs: 5_000, ...change };
  const caller = { ...world.caller, signal: leaving.signal };
  const subscriber: Subscriber = {
    events: [],
    cursor: change.after,
    heartbeats: 0,
    failure: undefined,
    ended: false,
    stop: () => leaving.abort(),
  };
  const read = async () => {
    for await (const batch of world.node().events.subscribe(request, caller)) {
      subscriber.events.push(...batch.events);
      subscriber.cursor = batch.cursor;
      if (batch.events.length === 0) subscriber.heartbeats++;
      onBatch();
    }
  };
  read()
    .catch((error: unknown) => {
      subscriber.failure = error;
    })
    .finally(() => {
      subscriber.ended = true;
    });
  return subscriber;
}

const search = (world: World, change: object = {}) =>
  world.run(
    world
      .node()
      .events.search(
        { account: "acme", order: "oldestFirst", eventsMax: 1_000, ...change },
        world.caller,
      ),
  );

test("B4.9 every placement's events are gap-free and say where they come from", async () => {
  const world = await createWorld({ colos: ["iad", "dfw"] });
  await createGroup(world, groupSpec({ placements: [placed("iad"), placed("dfw")] }));
  const receipt = await setTarget(world, 4);
  await converges(world, 4);
  await setTarget(world, 0);
  await converges(world, 0);
  const events = await world.events();
  assertGapFree(events);
  const intended = events.filter((one) => one.type === "server.intended");
  assert.equal(intended.length, 4);
  for (const one of intended) assert.equal(one.parent, receipt.eventId);
  for (const one of intended) {
    const life = events.filter((other) => other.server === one.server).map((other) => other.type);
    assert.deepEqual(life, [
      ...["server.intended", "server.building", "server.active", "server.in_service"],
      ...["server.deleting", "server.gone"],
    ]);
  }
});

test("a subscriber that resumes with its cursor misses nothing and sees nothing twice", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const world = await createWorld({ seed });
    const seen: MusterEvent[] = [];
    let subscriber = follow(world, { after: "" });
    const resume = () => {
      seen.push(...subscriber.events);
      subscriber.stop();
      const after = subscriber.cursor ?? "";
      subscriber = follow(world, { after });
    };
    await createGroup(world);
    for (let step = 0; step < 12; step++) {
      setTarget(world, (step * 5) % 9).catch(() => {});
      await world.clock.advance(100 + world.random() * 3_000);
      if (step % 3 === 2) {
        await world.crash();
        resume();
      } else if (step % 4 === 1) resume();
    }
    await world.clock.advance(30_000);
    resume();
    assert.deepEqual(seen, await world.events(), `seed ${seed}`);
    assertGapFree(seen);
    assert.ok(seen.length > 20);
  }
});

test("a heartbeat's cursor never lies beyond what was delivered", async () => {
  const world = await createWorld({ seed: 2 });
  await createGroup(world);
  const seen: MusterEvent[] = [];
  for (let round = 0; round < 60; round++) {
    // Leaves right after a heartbeat, of which there are many among the events.
    const after = subscriberCursor;
    let leave = () => {};
    const subscriber = follow(world, { after, heartbeatMs: 3 }, () => {
      if (subscriber.heartbeats > 2) leave();
    });
    leave = subscriber.stop;
    setTarget(world, round % 5).catch(() => {});
    await world.until("it left", () => subscriber.ended, 20_000);
    seen.push(...subscriber.events);
    subscriberCursor = subscriber.cursor ?? "";
  }
  const rest = follow(world, { after: subscriberCursor });
  await world.clock.advance(20_000);
  seen.push(...rest.events);
  assert.deepEqual(
    seen.map((one) => one.id),
    (await world.events()).map((one) => one.id),
  );
});
let subscriberCursor = "";

test("subscribing without a cursor begins with what is new; filters hold", async () => {
  const world = await createWorld();
  await createGroup(world);
  await createGroup(world, groupSpec(), { ...web, group: "api" as never });
  await setTarget(world, 1);
  await converges(world, 1);
  const all = follow(world);
  const types = follow(world, { types: ["server.in_service"] });
  const other = follow(world, { group: "api" as never });
  const stranger = follow(world, { account: "else" as never, after: "" });
  await world.clock.advance(100);
  assert.deepEqual([all.events.length, all.heartbeats], [0, 1], "an opening heartbeat");
  await setTarget(world, 3);
  await world.until("both in service", () => types.events.length === 2);
  assert.ok(types.events.every((one) => one.type === "server.in_service"));
  assert.ok(all.events.length > 6);
  assert.deepEqual([other.events, stranger.events], [[], []]);
  await world.clock.advance(20_000);
  assert.ok(all.heartbeats > 2);
});

test("a subscriber hears a heartbeat though nothing has ever happened", async () => {
  const world = await createWorld();
  const early = follow(world, { after: "" });
  await world.clock.advance(20_000);
  assert.ok(early.heartbeats > 0);
  await createGroup(world);
  await world.until("it hears", () => early.events.length > 0, 10_000);
});

test("subscribers of the same filter get the very same arrays", async () => {
  const world = await createWorld();
  await createGroup(world);
  const batches: EventBatch["events"][][] = [[], []];
  for (const mine of batches) {
    const request = { account: web.account, types: [], heartbeatMs: 60_000 };
    void (async () => {
      for await (const { events } of world.node().events.subscribe(request, world.caller))
        if (events.length > 0) mine.push(events);
    })();
  }
  await world.clock.advance(100);
  await setTarget(world, 1);
  await world.clock.advance(5_000);
  assert.ok(batches[0]!.length > 1);
  for (const [index, events] of batches[0]!.entries()) assert.equal(events, batches[1]![index]);
});

test("M4.2 a subscriber that is too slow is told, and holds up nobody", async () => {
  const world = await createWorld();
  await createGroup(world);
  const quick = follow(world);
  const request = { account: web.account, types: [], heartbeatMs: 60_000 };
  const stream = world.node().events.subscribe(request, world.caller)[Symbol.asyncIterator]();
  const opening = await world.run(stream.next());
  assert.equal(opening.done, false);
  for (let ask = 0; ask < 300; ask++) {
    await setTarget(world, ask % 2);
    await world.clock.advance(10);
  }
  assert.ok(quick.events.length > 300);
  let kept = 0;
  await assert.rejects(
    world.run(
      (async () => {
        for (;;) if ((await stream.next()).value?.events.length) kept++;
      })(),
    ),
    (error) => isFault(error, "SUBSCRIBER_TOO_SLOW"),
  );
  assert.ok(kept >= 256, "what waited was still delivered");
  assert.equal(quick.failure, undefined);
});

test("a cursor that is no cursor is refused", async () => {
  const world = await createWorld();
  await createGroup(world);
  const lost = follow(world, { after: "nonsense" });
  await world.until("it is told", () => lost.ended);
  assert.ok(isFault(lost.failure, "CURSOR_INVALID"));
});

test("what happened can be searched, across crashes, and after the journal was away", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 3);
  await converges(world, 3);
  await world.crash();
  await setTarget(world, 1);
  await converges(world, 1);
  await world.clock.advance(5_000);
  const all = await search(world);
  assert.deepEqual(all.events, await world.events());
  const gone = await search(world, { types: ["server.gone"] });
  assert.equal(gone.events.length, 2);
  const server = gone.events[0]!.server!;
  const life = await search(world, { server, order: "newestFirst" });
  assert.ok(life.events.every((one) => one.server === server));
  assert.equal(life.events[0]?.type, "server.gone");
  const words = await search(world, { text: "target 3 1" });
  assert.ok(words.events.some((one) => one.type === "scale.decided"));
  assert.deepEqual((await search(world, { account: "else" })).events, []);
});
