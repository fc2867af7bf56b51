import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { GetGroupRequestSchema, GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { failureOf } from "./doors.js";
import { admin, createWeb, createWorld, tokens, validGroup, WEB, type World } from "./world.js";

const { getGroup, createGroup } = GroupService.method;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async function worksOn({ doors }: World): Promise<void> {
  for (const door of doors) {
    const { group } = await door.unary(getGroup, { name: WEB }, admin);
    assert.equal(group!.name, WEB);
  }
}

async function connectTo({ server }: World): Promise<net.Socket> {
  const socket = net.connect(server.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

describe("whatever arrives, the server stands", () => {
  test("several hundred connections of garbage", async (t) => {
    const seed = Number(process.env["SEED"] ?? 20_260_101);
    const random = createRandom(seed);
    const world = await createWorld(t, { limits: { firstBytesMsMax: 200, headersMsMax: 200 } });
    await createWeb(world.grpc);
    const pick = (max: number) => Math.floor(random() * max);
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => pick(256)));
    const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head.writeUInt8(type, 3);
      head.writeUInt8(flags, 4);
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, payload]);
    };
    const settings = frame(4, 0, 0, Buffer.alloc(0));
    const kinds: readonly (() => Buffer)[] = [
      () => noise(1 + pick(2_000)),
      () =>
        Buffer.concat([Buffer.from(PREFACE.slice(0, 1 + pick(PREFACE.length))), noise(pick(50))]),
      () => Buffer.concat([Buffer.from(PREFACE), noise(pick(500))]),
      () =>
        Buffer.concat([
          Buffer.from(PREFACE),
          settings,
          frame(pick(12), pick(256), pick(8), noise(pick(200))),
        ]),
      () =>
        Buffer.concat([
          Buffer.from(PREFACE),
          settings,
          frame(1, 4, 1, noise(20)),
          frame(0, 1, 1, noise(40)),
        ]),
      () => Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n"), noise(pick(300))]),
      () =>
        Buffer.from(
          `POST /muster.v1.GroupService/GetGroup HTTP/1.1\r\nhost: x\r\ncontent-type: application/proto\r\ncontent-length: 20\r\n\r\n${"\u0000\u00ff".repeat(pick(12))}`,
        ),
      () =>
        Buffer.concat([
          Buffer.from(
            "POST /muster.v1.EventService/Subscribe HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc-web+proto\r\ntransfer-encoding: chunked\r\n\r\n5\r\n",
          ),
          noise(5),
          Buffer.from("\r\n0\r\n\r\n"),
        ]),
      () => Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]),
    ];
    let sent = 0;
    const attack = async () => {
      const bytes = kinds[pick(kinds.length)]!();
      const cut = pick(bytes.length + 1);
      const ending = pick(3);
      const socket = await connectTo(world);
      const closed = once(socket, "close");
      socket.resume();
      socket.write(bytes.subarray(0, cut));
      await new Promise((resolve) => setImmediate(resolve));
      if (!socket.destroyed) socket.write(bytes.subarray(cut));
      if (ending === 0) socket.destroy();
      else if (ending === 1) socket.end();
      else setTimeout(() => socket.resetAndDestroy(), 20);
      sent++;
      setTimeout(() => socket.destroy(), 500).unref();
      await closed;
    };
    for (let wave = 0; wave < 16; wave++) await Promise.all(Array.from({ length: 25 }, attack));
    assert.equal(sent, 400);
    await worksOn(world);
    const fresh = await createWorldClient(world);
    assert.equal(fresh.statusCode, 200);
  });

  test("who connects and says nothing, or half of something, is dropped", async (t) => {
    const limits = {
      firstBytesMsMax: 50,
      headersMsMax: 50,
      requestMsMax: 100,
      keepaliveMs: 50,
      keepaliveTimeoutMs: 50,
    };
    const world = await createWorld(t, { limits });
    await createWeb(world.connect);
    const post = "POST /muster.v1.GroupService/GetGroup HTTP/1.1\r\nhost: x\r\n";
    const halves = [
      "",
      "P",
      "PR",
      "PRI",
      PREFACE,
      "GET / HT",
      post,
      `${post}content-length: 9\r\n\r\n{`,
    ];
    const sockets = await Promise.all(halves.map(() => connectTo(world)));
    const closed = Promise.all(sockets.map((socket) => once(socket.resume(), "close")));
    for (const [index, half] of halves.entries()) sockets[index]!.write(half);
    await closed;
    await worksOn(world);
  });

  test("a peer that resets its connection before it has spoken is forgotten", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    for (const start of ["", "P", "PR"]) {
      const socket = await connectTo(world);
      if (start !== "") await new Promise((resolve) => socket.write(start, resolve));
      await worksOn(world); // By now the server has taken the connection.
      socket.resetAndDestroy();
      await once(socket, "close");
    }
    await worksOn(world);
    const failed = world.logged.filter(({ fields }) => /ECONNRESET/.test(String(fields["error"])));
    assert.equal(failed.length, 3);
  });

  test("a peer that closes its half before it has spoken is forgotten", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    for (const start of ["", "P", PREFACE]) {
      const socket = await connectTo(world);
      const closed = once(socket.resume(), "close");
      socket.end(start);
      await closed;
    }
    await worksOn(world);
  });
});

function createWorldClient({ server }: World): Promise<http.IncomingMessage> {
  return fetchRaw(server.port, { path: "/healthz" });
}

function fetchRaw(
  port: number,
  options: http.RequestOptions,
  body = "",
): Promise<http.IncomingMessage & { text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: "127.0.0.1", port, agent: false, ...options },
      async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk as Buffer);
        resolve(Object.assign(response, { text: Buffer.concat(chunks).toString() }));
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("limits of what callers send", () => {
  test("a request that is too large is RESOURCE_EXHAUSTED on every door", async (t) => {
    const { doors } = await createWorld(t, { limits: { requestBytesMax: 2_000 } });
    const group = validGroup({ displayName: "x".repeat(3_000) });
    for (const door of doors) {
      const call = door.unary(createGroup, { parent: "accounts/acme", group }, admin);
      assert.equal((await failureOf(call)).code, 8, door.name);
    }
  });

  test("more connections than the limit are turned away", async (t) => {
    const world = await createWorld(t, { limits: { connectionsMax: 2 } });
    const held = [await connectTo(world), await connectTo(world)];
    const third = await connectTo(world);
    await once(third.resume(), "close");
    for (const socket of held) socket.destroy();
  });

  test("headers that are too long are 431", async (t) => {
    const { server } = await createWorld(t, { limits: { headerBytesMax: 2_000 } });
    const headers = { "x-long": "x".repeat(3_000) };
    assert.equal((await fetchRaw(server.port, { path: "/healthz", headers })).statusCode, 431);
  });

  test("bytes that are no message are INVALID_ARGUMENT", async (t) => {
    const { server, target } = await createWorld(t);
    const client = new grpc.Client(target, grpc.credentials.createInsecure());
    t.after(() => client.close());
    const code = await new Promise((resolve) =>
      client.makeUnaryRequest(
        "/muster.v1.GroupService/GetGroup",
        () => Buffer.from([0x0a, 0xff, 0x01]),
        (bytes) => bytes,
        {},
        (error) => resolve(error?.code),
      ),
    );
    assert.equal(code, 3);
    const headers = {
      "content-type": "application/json",
      authorization: `Bearer ${tokens.admin}`,
    };
    const path = "/muster.v1.GroupService/GetGroup";
    const answer = await fetchRaw(server.port, { method: "POST", path, headers }, "\n\u00ff{");
    assert.equal(answer.statusCode, 400);
    assert.match(answer.text, /invalid_argument/);
  });
});

describe("plain HTTP", () => {
  test("reads may come by GET, writes may not", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const headers = { authorization: `Bearer ${tokens.admin}` };
    const message = Buffer.from(
      toBinary(GetGroupRequestSchema, create(GetGroupRequestSchema, { name: WEB })),
    ).toString("base64url");
    const query = `connect=v1&encoding=proto&base64=1&message=${message}`;
    const read = { path: `/muster.v1.GroupService/GetGroup?${query}`, headers };
    assert.equal((await fetchRaw(world.server.port, read)).statusCode, 200);
    const path = `/muster.v1.GroupService/DeleteGroup?${query}`;
    assert.equal((await fetchRaw(world.server.port, { path, headers })).statusCode, 405);
    const naked = await fetchRaw(world.server.port, { path: read.path });
    assert.equal(naked.statusCode, 401);
  });

  test("JSON as a person writes it", async (t) => {
    const world = await createWorld(t);
    await createWeb(world.grpc);
    const headers = { authorization: `Bearer ${tokens.admin}`, "content-type": "application/json" };
    const path = "/muster.v1.GroupService/GetGroup";
    const body = JSON.stringify({ name: WEB });
    const answer = await fetchRaw(world.server.port, { method: "POST", path, headers }, body);
    assert.equal(JSON.parse(answer.text).group.displayName, "Web");
    const bad = await fetchRaw(world.server.port, { method: "POST", path, headers }, "{}");
    const error = JSON.parse(bad.text);
    assert.equal(error.code, "invalid_argument");
    assert.equal(error.details[1].debug.fieldViolations[0].field, "name");
  });

  test("probes, and what is not there", async (t) => {
    let ready = true;
    const { server } = await createWorld(t, {
      isReady: () => ready,
      httpHandlers: [
        ({ url }, response) => {
          if (url !== "/metrics") return false;
          response.end("metrics");
          return true;
        },
      ],
    });
    const statusOf = async (path: string) => (await fetchRaw(server.port, { path })).statusCode;
    assert.equal(await statusOf("/healthz"), 200);
    assert.equal(await statusOf("/readyz?verbose"), 200);
    ready = false;
    assert.equal(await statusOf("/readyz"), 503);
    assert.equal(await statusOf("/healthz"), 200);
    assert.equal(await statusOf("/nothing"), 404);
    assert.equal((await fetchRaw(server.port, { path: "/metrics" })).text, "metrics");
  });

  test("pages of other origins may call only where configured", async (t) => {
    const preflight = {
      method: "OPTIONS",
      path: "/muster.v1.GroupService/GetGroup",
      headers: { origin: "https://console.test", "access-control-request-method": "POST" },
    };
    const closed = await createWorld(t);
    const refused = await fetchRaw(closed.server.port, preflight);
    assert.equal(refused.headers["access-control-allow-origin"], undefined);
    const world = await createWorld(t, { cors: { origins: ["https://console.test"] } });
    const allowed = await fetchRaw(world.server.port, preflight);
    assert.equal(allowed.statusCode, 204);
    assert.equal(allowed.headers["access-control-allow-origin"], "https://console.test");
    assert.match(allowed.headers["access-control-allow-headers"]!, /Authorization/);
    const headers = { ...preflight.headers, origin: "https://evil.test" };
    const other = await fetchRaw(world.server.port, { ...preflight, headers });
    assert.equal(other.headers["access-control-allow-origin"], undefined);
  });
});
