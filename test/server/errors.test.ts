import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { Fault } from "../../src/core/errors/fault.js";
import { type Reason, reasons } from "../../src/core/errors/reasons.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { codes } from "../../src/server/status-error.js";
import { createGrpcDoorClient, type Door, failureOf } from "./doors.js";
import { admin, createInProcessDoor, createWeb, createWorld, WEB, type World } from "./world.js";

const { getGroup } = GroupService.method;
const { subscribe } = EventService.method;
const parent = "accounts/acme";

/** What is not there and what is another's sound the same (B10.4). */
const hidden: readonly Reason[] = [
  ...([
    "GROUP_NOT_FOUND",
    "POLICY_NOT_FOUND",
    "WEBHOOK_NOT_FOUND",
    "NOTIFIER_NOT_FOUND",
    "SCHEDULE_NOT_FOUND",
    "SERVER_NOT_FOUND",
    "CREDENTIALS_NOT_FOUND",
  ] as const),
];

async function everyDoor(world: World, check: (door: Door) => Promise<void>): Promise<void> {
  for (const door of [...world.doors, createInProcessDoor(world.supervisor)]) await check(door);
}

describe("errors carry what callers act on", () => {
  test("every reason arrives as its code, with one ErrorInfo and its facts", async (t) => {
    const world = await createWorld(t);
    const names = (Object.keys(reasons) as Reason[]).filter((reason) => reason !== "INTERNAL");
    let thrown = 0;
    await everyDoor(world, async (door) => {
      for (const reason of names) {
        world.supervisor.before = async () => {
          thrown++;
          throw new Fault(reason, { say: "täll 💥", facts: { waitMs: "5" }, retryAfterMs: 1_500 });
        };
        const failure = await failureOf(door.unary(getGroup, { name: WEB }, admin));
        assert.equal(failure.code, codes[reasons[reason]], reason);
        assert.equal(failure.reason, reason);
        if (hidden.includes(reason)) continue;
        assert.equal(failure.message, "täll 💥", reason);
        assert.deepEqual(failure.metadata, { waitMs: "5" }, reason);
        assert.deepEqual(
          [failure.retry?.retryDelay?.seconds, failure.retry?.retryDelay?.nanos],
          [1n, 500_000_000],
        );
      }
    });
    assert.equal(thrown, 4 * names.length);
  });

  test("quota, precondition and retry go with the codes that promise them", async (t) => {
    const world = await createWorld(t);
    const fail = (reason: Reason) => {
      world.supervisor.before = async () => {
        throw new Fault(reason, { say: "no", facts: { resource: WEB } });
      };
    };
    await everyDoor(world, async (door) => {
      const call = () => failureOf(door.unary(getGroup, { name: WEB }, admin));
      fail("LIMIT_EXCEEDED");
      const limited = await call();
      assert.deepEqual(
        limited.quota!.violations.map(({ subject }) => subject),
        [WEB],
      );
      assert.equal(limited.retry, undefined);
      fail("GROUP_NOT_EMPTY");
      const refused = await call();
      const [violation] = refused.precondition!.violations;
      assert.deepEqual([violation!.type, violation!.subject], ["GROUP_NOT_EMPTY", WEB]);
      for (const reason of ["STORE_UNAVAILABLE", "OVERLOADED"] as const) {
        fail(reason);
        assert.equal((await call()).retry!.retryDelay!.seconds, 1n);
      }
      fail("ETAG_MISMATCH");
      assert.equal((await call()).retry, undefined);
    });
  });

  test("what is unexpected is INTERNAL with an incident, which the log tells about", async (t) => {
    const world = await createWorld(t);
    const secrets = [
      new TypeError("secret 1"),
      "secret 2",
      new Fault("INTERNAL", { say: "secret 3" }),
      undefined,
    ];
    for (const door of world.doors)
      for (const secret of secrets) {
        world.supervisor.before = async () => {
          throw secret;
        };
        const failure = await failureOf(door.unary(getGroup, { name: WEB }, admin));
        assert.deepEqual([failure.code, failure.reason], [13, "INTERNAL"]);
        assert.doesNotMatch(JSON.stringify([failure.message, failure.metadata]), /secret/);
        const { incident } = failure.metadata;
        const [entry] = world.logged.filter(({ fields }) => fields["incident"] === incident);
        assert.equal(entry!.level, "error");
        assert.equal(entry!.fields["method"], "muster.v1.GroupService.GetGroup");
        if (secret instanceof Error) assert.match(String(entry!.fields["error"]), /secret/);
      }
  });

  test("a lone surrogate in a fault's text breaks nothing", async (t) => {
    const { doors, supervisor } = await createWorld(t);
    supervisor.before = async () => {
      throw new Fault("GROUP_DELETING", { say: "half \ud800 a character\n and a line" });
    };
    for (const door of doors) {
      const failure = await failureOf(door.unary(getGroup, { name: WEB }, admin));
      assert.deepEqual([failure.code, failure.reason], [9, "GROUP_DELETING"]);
    }
  });
});

describe("faults in the middle of a stream", () => {
  test("a fault after the first batch arrives with its details", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    await everyDoor(world, async (door) => {
      const stream = door.stream(subscribe, { parent, fromStart: true }, admin);
      assert.equal((await stream.next()).done, false);
      const next = stream.next();
      world.supervisor.events.failStreams(
        new Fault("STORE_UNAVAILABLE", { say: "the store is away", retryAfterMs: 2_000 }),
      );
      const failure = await failureOf(next);
      assert.deepEqual([failure.code, failure.reason], [14, "STORE_UNAVAILABLE"]);
      assert.equal(failure.retry!.retryDelay!.seconds, 2n);
    });
    assert.equal(world.supervisor.events.subscribers, 0);
  });

  test("an unexpected error in the middle is an incident", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    for (const door of world.doors) {
      const stream = door.stream(subscribe, { parent, fromStart: true }, admin);
      await stream.next();
      const next = stream.next();
      world.supervisor.events.failStreams(new Error("secret"));
      const failure = await failureOf(next);
      assert.deepEqual([failure.code, failure.reason], [13, "INTERNAL"]);
      assert.doesNotMatch(failure.message, /secret/);
    }
  });

  test("CURSOR_EXPIRED says where to go on, in a cursor of the caller's own", async (t) => {
    const { grpc, supervisor } = await createWorld(t);
    await createWeb(grpc);
    const { scale } = ScalingService.method;
    await grpc.unary(scale, { name: WEB, change: 1 }, admin);
    await grpc.unary(scale, { name: WEB, change: 1 }, admin);
    supervisor.events.trimmed = 2;
    const expired = await failureOf(
      grpc.stream(subscribe, { parent, fromStart: true }, admin).next(),
    );
    assert.deepEqual([expired.code, expired.reason], [11, "CURSOR_EXPIRED"]);
    const cursor = expired.metadata["resume_cursor"]!;
    const resumed = grpc.stream(subscribe, { parent, cursor }, admin);
    const { value } = await resumed.next();
    assert.deepEqual(
      value!.events.map(({ sequence }) => sequence),
      [3n],
    );
    await resumed.return();
  });
});

describe("deadlines and cancellation", () => {
  /** Holds every call until its signal aborts. */
  function hold(world: World): Promise<AbortSignal> {
    return new Promise((resolve) => {
      world.supervisor.before = async (_useCase, signal) => {
        resolve(signal);
        await once(signal, "abort");
        signal.throwIfAborted();
      };
    });
  }

  test("a client's deadline ends the call and reaches the use case", async (t) => {
    const world = await createWorld(t);
    await everyDoor(world, async (door) => {
      const held = hold(world);
      const call = failureOf(door.unary(getGroup, { name: WEB }, { ...admin, timeoutMs: 100 }));
      const signal = await held;
      assert.equal((await call).code, 4, door.name);
      if (!signal.aborted) await once(signal, "abort");
      assert.ok(signal.aborted);
    });
  });

  test("a call without a deadline gets the default one, and is told the reason", async (t) => {
    const world = await createWorld(t, { limits: { timeoutMsDefault: 50 } });
    for (const door of world.doors) {
      const held = hold(world);
      const failure = await failureOf(door.unary(getGroup, { name: WEB }, admin));
      assert.deepEqual([failure.code, failure.reason], [4, "DEADLINE_EXCEEDED"]);
      assert.equal(((await held).reason as Fault).reason, "DEADLINE_EXCEEDED");
    }
  });

  test("no deadline is longer than the server's; a deaf use case does not matter", async (t) => {
    const world = await createWorld(t, { limits: { timeoutMsMax: 50 } });
    let asked = 0;
    world.supervisor.before = () => {
      asked++;
      return new Promise(() => undefined);
    };
    for (const door of world.doors) {
      const call = door.unary(getGroup, { name: WEB }, { ...admin, timeoutMs: 60_000 });
      assert.equal((await failureOf(call)).reason, "DEADLINE_EXCEEDED");
    }
    assert.equal(asked, 3);
  });

  test("a client that goes away aborts the use case", async (t) => {
    const world = await createWorld(t);
    for (const door of world.doors) {
      const held = hold(world);
      const gone = new AbortController();
      const call = failureOf(
        door.unary(getGroup, { name: WEB }, { ...admin, signal: gone.signal }),
      );
      const signal = await held;
      gone.abort();
      assert.equal((await call).code, 1, door.name);
      if (!signal.aborted) await once(signal, "abort");
      assert.equal((signal.reason as Fault).reason, "CANCELLED");
    }
  });

  test("a connection that dies ends its subscription", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const door = createGrpcDoorClient(world.target);
    const stream = door.stream(subscribe, { parent, fromStart: true }, admin);
    await stream.next();
    assert.equal(world.supervisor.events.subscribers, 1);
    await stream.return();
    door.close();
    while (world.supervisor.events.subscribers > 0)
      await new Promise((resolve) => setImmediate(resolve));
  });

  test("a stream's deadline ends it", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    for (const door of world.doors) {
      const given = { ...admin, timeoutMs: 200 };
      const stream = door.stream(subscribe, { parent, fromStart: true }, given);
      await stream.next();
      assert.equal((await failureOf(stream.next())).code, 4, door.name);
    }
  });

  test("an idle stream is kept by heartbeats, with a cursor to go on from", async (t) => {
    const world = await createWorld(t, { limits: { heartbeatMs: 20 } });
    for (const door of world.doors) {
      const stream = door.stream(subscribe, { parent }, admin);
      const { value } = await stream.next();
      assert.deepEqual(value!.events, []);
      assert.ok(value!.cursor !== "");
      await stream.return();
    }
  });
});
