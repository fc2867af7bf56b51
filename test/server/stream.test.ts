import assert from "node:assert/strict";
import http from "node:http";
import { describe, test } from "node:test";
import { toBinary } from "@bufbuild/protobuf";
import type { MusterEvent } from "../../src/core/model/event.js";
import { EventService, SubscribeResponseSchema } from "../../src/gen/muster/v1/event_service_pb.js";
import { createBatchWriter } from "../../src/server/to-wire/event.js";
import { definitionOf } from "../../src/server/transport/grpc-door.js";
import { type CallFailure, failureOf } from "./doors.js";
import { LAG_MAX } from "./memory-events.js";
import { admin, createWeb, createWorld, tokens, type World } from "./world.js";

const { subscribe } = EventService.method;
const parent = "accounts/acme";

/** Long enough that a few hundred fill every buffer between server and client. */
const MESSAGE = "x".repeat(64 * 1024);

function publish(world: World, count: number): void {
  const { events } = world.supervisor;
  for (let made = 0; made < count; made++) {
    const sequence = events.published.length + 1;
    const colo = "iad" as MusterEvent["colo"];
    const id = `e${sequence}` as MusterEvent["id"];
    const account = "acme" as MusterEvent["account"];
    const group = "web" as MusterEvent["group"];
    const type = "target.changed";
    events.publish({
      id,
      type,
      atMs: 1,
      account,
      group,
      colo,
      sequence,
      message: MESSAGE,
      facts: {},
    });
  }
}

describe("slow subscribers", () => {
  test("one that lags is told SUBSCRIBER_TOO_SLOW; others go on and miss nothing", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const slow = world.grpc.stream(subscribe, { parent, fromStart: true }, admin);
    const seenBySlow = (await slow.next()).value!.events.map(({ sequence }) => sequence);
    const fast = world.connect.stream(subscribe, { parent, fromStart: true }, admin);
    const seenByFast: bigint[] = [];
    const rounds = 16;
    // Each round is more than may be lagged, and waits for the fast one only.
    for (let round = 0; round < rounds; round++) {
      publish(world, LAG_MAX / 2);
      while (seenByFast.length < world.supervisor.events.published.length)
        seenByFast.push(...(await fast.next()).value!.events.map(({ sequence }) => sequence));
    }
    let cursor = "";
    let failure: CallFailure | undefined;
    try {
      for await (const batch of slow) {
        seenBySlow.push(...batch.events.map(({ sequence }) => sequence));
        cursor = batch.cursor;
      }
    } catch (error) {
      failure = error as CallFailure;
    }
    assert.deepEqual([failure?.code, failure?.reason], [8, "SUBSCRIBER_TOO_SLOW"]);
    assert.ok(failure?.retry);
    const all = world.supervisor.events.published.map((_, index) => BigInt(index + 1));
    assert.deepEqual(seenByFast, all);
    assert.ok(seenBySlow.length < all.length);
    // It goes on with its last cursor, without gap or repeat.
    const again = world.grpc.stream(subscribe, { parent, cursor }, admin);
    while (seenBySlow.length < all.length)
      seenBySlow.push(...(await again.next()).value!.events.map(({ sequence }) => sequence));
    assert.deepEqual(seenBySlow, all);
    await Promise.all([again.return(), fast.return()]);
  });

  test("one that reads nothing at all is let go", async (t) => {
    const world = await createWorld(t, { limits: { stallMsMax: 50 } });
    await createWeb(world.grpc);
    const stuck = world.grpc.stream(subscribe, { parent, fromStart: true }, admin);
    await stuck.next();
    assert.equal(world.supervisor.events.subscribers, 1);
    while (world.supervisor.events.subscribers > 0) {
      publish(world, 20);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const drained = (async () => {
      for await (const _batch of stuck);
    })();
    const failure = await failureOf(drained);
    assert.deepEqual([failure.code, failure.reason], [8, "SUBSCRIBER_TOO_SLOW"]);
  });

  test("a browser that stops reading holds nobody up, and is told as well", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const response = await postSubscribe(world);
    response.pause();
    const fast = world.grpc.stream(subscribe, { parent, fromStart: true }, admin);
    let seen = 0;
    for (let round = 0; round < 8; round++) {
      publish(world, LAG_MAX / 2);
      while (seen < world.supervisor.events.published.length)
        seen += (await fast.next()).value!.events.length;
    }
    await fast.return();
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const end = Buffer.concat(chunks).toString("utf8");
    assert.match(end.slice(-2_000), /"code":"resource_exhausted"/);
    assert.match(end.slice(-2_000), /SUBSCRIBER_TOO_SLOW|too slow/);
  });
});

/** Subscribes by Connect's streaming protocol in JSON, with Node's own HTTP client. */
function postSubscribe({ server }: World): Promise<http.IncomingMessage> {
  const body = Buffer.from(JSON.stringify({ parent, fromStart: true }));
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(body.length, 1);
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: "127.0.0.1",
      port: server.port,
      method: "POST",
      path: "/muster.v1.EventService/Subscribe",
      headers: {
        "content-type": "application/connect+json",
        authorization: `Bearer ${tokens.admin}`,
      },
    });
    request.on("response", resolve);
    request.on("error", reject);
    request.end(Buffer.concat([envelope, body]));
  });
}

describe("batches are encoded once", () => {
  const event = {
    id: "e1",
    type: "target.changed",
    atMs: 1,
    account: "acme",
    group: "web",
    colo: "iad",
    sequence: 1,
    message: "hello",
    facts: {},
  } as unknown as MusterEvent;
  const { responseSerialize } = definitionOf(EventService.typeName, [subscribe])["Subscribe"]!;

  test("all who stand at the same place are given the very same bytes", () => {
    const writer = createBatchWriter();
    const events = [event];
    const message = writer.write({ events, cursor: "1" }, (cursor) => `a${cursor}`);
    const same = writer.write({ events, cursor: "1" }, (cursor) => `a${cursor}`);
    assert.equal(same, message);
    assert.equal(responseSerialize(same), responseSerialize(message));
    assert.deepEqual(
      responseSerialize(message),
      Buffer.from(toBinary(SubscribeResponseSchema, message)),
    );
  });

  test("another cursor is another message", () => {
    const writer = createBatchWriter();
    const events = [event];
    const one = writer.write({ events, cursor: "1" }, (cursor) => `a${cursor}`);
    const other = writer.write({ events, cursor: "1" }, (cursor) => `b${cursor}`);
    assert.deepEqual([one.cursor, other.cursor], ["a1", "b1"]);
    assert.notDeepEqual(responseSerialize(one), responseSerialize(other));
  });
});
