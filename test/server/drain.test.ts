import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { Health } from "../../src/gen/grpc/health/v1/health_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { failureOf } from "./doors.js";
import { admin, createWeb, createWorld, tokens, WEB } from "./world.js";

const { getGroup } = GroupService.method;
const parent = "accounts/acme";

function gate() {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe("drain", () => {
  test("running calls finish, streams are told, nothing new begins", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const { promise: released, resolve: release } = gate();
    let held = 0;
    const { promise: allHeld, resolve: heldAll } = gate();
    world.supervisor.before = async () => {
      if (++held === world.doors.length) heldAll();
      await released;
    };
    const calls = world.doors.map((door) => door.unary(getGroup, { name: WEB }, admin));
    await allHeld;
    const streams = world.doors.map((door) =>
      door.stream(EventService.method.subscribe, { parent, fromStart: true }, admin),
    );
    for (const stream of streams) await stream.next();
    const watch = world.grpc.stream(Health.method.watch, { service: "" });
    assert.equal((await watch.next()).value!.status, 1);

    const nexts = streams.map((stream) => failureOf(stream.next()));
    let over = false;
    const drained = world.server.drain(60_000).then(() => {
      over = true;
    });
    assert.equal((await watch.next()).value!.status, 2);
    assert.equal((await watch.next()).done, true);
    for (const failure of await Promise.all(nexts)) {
      assert.deepEqual([failure.code, failure.reason], [14, "SHUTTING_DOWN"]);
      assert.ok(failure.retry);
    }
    const refused = net.connect(world.server.port, "127.0.0.1");
    const [error] = await once(refused, "error");
    assert.equal((error as NodeJS.ErrnoException).code, "ECONNREFUSED");
    assert.equal(over, false);
    release();
    for (const { group } of await Promise.all(calls)) assert.equal(group!.name, WEB);
    await drained;
  });

  test("an idle keep-alive connection and a silent one do not hold it up", async (t) => {
    const world = await createWorld(t);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    await new Promise((resolve, reject) =>
      http
        .get({ host: "127.0.0.1", port: world.server.port, path: "/healthz", agent }, (response) =>
          response.resume().on("end", resolve),
        )
        .on("error", reject),
    );
    const silent = net.connect(world.server.port, "127.0.0.1");
    silent.on("error", () => undefined);
    await once(silent, "connect");
    await world.server.drain(60_000);
  });

  test("what does not finish within the grace is cut", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    let held = 0;
    const { promise: allHeld, resolve: heldAll } = gate();
    world.supervisor.before = () => {
      if (++held === world.doors.length) heldAll();
      return new Promise(() => undefined);
    };
    const calls = world.doors.map((door) => failureOf(door.unary(getGroup, { name: WEB }, admin)));
    await allHeld;
    await world.server.drain(20);
    for (const failure of await Promise.all(calls)) assert.notEqual(failure.code, 0);
  });

  test("who still asks on an old connection is sent elsewhere", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const { promise: released, resolve: release } = gate();
    const { promise: asked, resolve: ask } = gate();
    world.supervisor.before = async () => {
      ask();
      await released;
    };
    const socket = net.connect(world.server.port, "127.0.0.1");
    const body = JSON.stringify({ name: WEB });
    const request = [
      "POST /muster.v1.GroupService/GetGroup HTTP/1.1",
      "host: x",
      "content-type: application/json",
      `authorization: Bearer ${tokens.admin}`,
      `content-length: ${body.length}`,
      "",
      body,
    ].join("\r\n");
    // Pipelined: the second is read once the first is answered.
    socket.write(request);
    await asked;
    const drained = world.server.drain(60_000);
    socket.write(request);
    release();
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    await drained;
    const [head] = Buffer.concat(chunks).toString().split("\r\n\r\n");
    assert.match(head!, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head!, /^connection: close$/im);
  });
});
