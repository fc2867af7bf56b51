import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, test } from "node:test";
import type { MemberChange } from "../../src/core/ports/load-balancer.js";
import { connectClient } from "../contract/load-balancer-backend.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";
import { createListLog, eventually } from "./lb-helpers.js";

import {
  connectRaw,
  openProxy,
  put,
  readAll,
  refusingPort,
  startBackend,
  startServer,
  tcpCheck,
} from "./lb-proxy-helpers.js";

describe("proxy: connections", () => {
  test("B5.2 a member that refuses is passed over, before any byte is lost", async (t) => {
    const { change, address } = await openProxy(t);
    const backend = await startBackend(t);
    const dead = [await refusingPort(), await refusingPort(), await refusingPort()];
    await change(...dead.map((port) => put(port, { weight: 100 })), put(backend.port));
    for (let round = 0; round < 10; round++) {
      const client = await connectClient(address);
      assert.equal(client?.port, backend.port);
      assert.equal(await client.echo("whole"), "whole");
      await client.close();
    }
  });

  test("B5.2 without a member that answers, the connection is refused", async (t) => {
    const { change, address } = await openProxy(t);
    assert.equal(await connectClient(address), undefined);
    await change(put(await refusingPort()));
    assert.equal(await connectClient(address), undefined);
  });

  test("B5.2 a client may end its half and still be answered", async (t) => {
    const { change, address } = await openProxy(t);
    const server = await startServer(t, async (socket) => {
      const question = await readAll(socket);
      socket.end(`you said ${question}`);
    });
    await change(put(server.port));
    const client = await connectRaw(t, address.port);
    client.end("hello");
    assert.equal(await readAll(client), "you said hello");
  });

  test("B5.2 a member may end its half and still be told", async (t) => {
    const { change, members, address } = await openProxy(t);
    let told: Promise<string> | undefined;
    const server = await startServer(t, (socket) => {
      socket.end("bye");
      told = readAll(socket);
    });
    await change(put(server.port));
    const client = await connectRaw(t, address.port);
    assert.equal(await readAll(client), "bye");
    client.end("one more thing");
    await eventually("told", () => told !== undefined);
    assert.equal(await told, "one more thing");
    await eventually("closed", async () => (await members())[0]?.connections === 0);
  });

  test("B5.2 a broken stream is not passed on as a finished one", async (t) => {
    const { change, members, address } = await openProxy(t);
    const server = await startServer(t, (socket) => {
      socket.write("half of");
      socket.once("data", () => socket.resetAndDestroy());
    });
    await change(put(server.port));
    const client = await connectRaw(t, address.port);
    const [first] = await once(client, "data");
    assert.equal(String(first), "half of");
    client.write("go on");
    const ending = once(client, "end", { signal: AbortSignal.timeout(20_000) });
    await assert.rejects(ending, { code: "ECONNRESET" });
    await eventually("closed", async () => (await members())[0]?.connections === 0);
  });

  test("B5.2 a slow client slows the member down, and gets every byte", async (t) => {
    const { change, address } = await openProxy(t);
    let pourer: Pourer | undefined;
    const server = await startServer(t, (socket) => {
      pourer = pour(socket);
    });
    await change(put(server.port));
    const client = await connectRaw(t, address.port);
    client.pause();
    await eventually("the member was reached", () => pourer !== undefined);
    await assertHeldBack(pourer!, client);
  });

  test("B5.2 a slow member slows the client down, and gets every byte", async (t) => {
    const { change, address } = await openProxy(t);
    let reader: Socket | undefined;
    const server = await startServer(t, (socket) => {
      reader = socket.pause();
    });
    await change(put(server.port));
    const pourer = pour(await connectRaw(t, address.port));
    await eventually("the member was reached", () => reader !== undefined);
    await assertHeldBack(pourer, reader!);
  });

  test("B5.3 removing a member breaks its connections off, and no others", async (t) => {
    const { change, address } = await openProxy(t);
    const [stays, goes] = [await startBackend(t), await startBackend(t)];
    await change(put(stays.port), put(goes.port));
    const clients = [await connectClient(address), await connectClient(address)];
    await change({ kind: "remove", host: "127.0.0.1", port: goes.port });
    for (const client of clients) {
      const wanted = client?.port === stays.port ? "here" : undefined;
      assert.equal(await client?.echo("here"), wanted);
    }
    assert.equal(new Set(clients.map((client) => client?.port)).size, 2);
    await Promise.all(clients.map((client) => client?.close()));
  });

  test("B5.3 many connections are carried, counted and ended", async (t) => {
    const { change, members, address } = await openProxy(t);
    const backends = [await startBackend(t), await startBackend(t)];
    await change(...backends.map(({ port }) => put(port)));
    const clients = await Promise.all(Array.from({ length: 400 }, () => connectClient(address)));
    const counted = async () => (await members()).map(({ connections }) => connections);
    assert.deepEqual(await counted(), [200, 200]);
    const echoes = await Promise.all(clients.map((client, index) => client?.echo(`${index}`)));
    assert.deepEqual(
      echoes,
      clients.map((_, index) => `${index}`),
    );
    await Promise.all(clients.map((client) => client?.close()));
    await eventually("all ended", async () => (await counted()).every((count) => count === 0));
  });

  test("B5.2 connections beyond the limit are closed, those within live on", async (t) => {
    const log = createListLog();
    const { change, address } = await openProxy(t, { connectionsMax: 2 }, { log });
    const backend = await startBackend(t);
    await change(put(backend.port));
    const first = await connectClient(address);
    const second = await connectClient(address);
    for (let round = 0; round < 3; round++) assert.equal(await connectClient(address), undefined);
    assert.deepEqual(log.lines, ["proxy is full"]);
    assert.equal(await first?.echo("alive"), "alive");
    await second?.close();
    await eventually("room again", async () => {
      const client = await connectClient(address);
      await client?.close();
      return client !== undefined;
    });
    await first?.close();
  });

  test("B4.11 a connection on which nothing moves ends after its time", async (t) => {
    const clock = createVirtualClock();
    const { change, members, address } = await openProxy(t, { idleTimeoutMs: 8_000 }, { clock });
    const backend = await startBackend(t);
    await change(put(backend.port));
    const idle = await connectClient(address);
    const busy = await connectClient(address);
    for (let second = 0; second < 12; second++) {
      await clock.advance(1_000);
      assert.equal(await busy?.echo("on"), "on");
    }
    await eventually("one ended", async () => (await members())[0]?.connections === 1);
    assert.equal(await idle?.echo("late"), undefined);
    await busy?.close();
  });

  test("B4.11 a member that does not accept in time is passed over", async (t) => {
    const clock = createVirtualClock();
    const { change, address } = await openProxy(t, { connectTimeoutMs: 1_000 }, { clock });
    const backend = await startBackend(t);
    // TEST-NET: packets are dropped or refused, never accepted.
    await change(
      { ...put(80, { weight: 200 }), host: "192.0.2.1" } as MemberChange,
      put(backend.port),
    );
    const connecting = connectClient(address);
    let done = false;
    void connecting.finally(() => {
      done = true;
    });
    await eventually("served", async () => {
      await clock.advance(100);
      return done;
    });
    const client = await connecting;
    assert.equal(client?.port, backend.port);
    await client.close();
  });

  test("B5.3 close ends listeners and connections", async (t) => {
    const { driver, change, address } = await openProxy(t, { healthCheck: tcpCheck });
    const backend = await startBackend(t);
    await change(put(backend.port));
    let client = await connectClient(address);
    await eventually("served", async () => {
      client ??= await connectClient(address);
      return client !== undefined;
    });
    await driver.close();
    assert.equal(await client?.echo("anyone?"), undefined);
    assert.equal(await connectClient(address), undefined);
  });
});

const pouredBytesMax = 64 * 1_024 * 1_024;

interface Pourer {
  writtenBytes(): number;
  blocked(): boolean;
}

/** Writes as fast as the socket takes it, then ends its half. */
function pour(socket: Socket): Pourer {
  const block = Buffer.alloc(64 * 1_024, "x");
  let writtenBytes = 0;
  let blocked = false;
  const go = () => {
    blocked = false;
    while (writtenBytes < pouredBytesMax && !blocked) {
      writtenBytes += block.length;
      blocked = !socket.write(block);
    }
    if (writtenBytes === pouredBytesMax) socket.end();
  };
  socket.on("drain", () => {
    if (writtenBytes < pouredBytesMax) go();
  });
  go();
  return { writtenBytes: () => writtenBytes, blocked: () => blocked };
}

/** The writer stands still once the systems' buffers are full: in between nobody hoards. */
async function assertHeldBack(pourer: Pourer, reader: Socket): Promise<void> {
  let lastBytes = -1;
  let looksAlike = 0;
  await eventually("the writer stands still", () => {
    const bytes = pourer.writtenBytes();
    looksAlike = pourer.blocked() && bytes === lastBytes ? looksAlike + 1 : 0;
    lastBytes = bytes;
    assert.ok(bytes < pouredBytesMax / 2, `${bytes} bytes went towards a reader that reads none`);
    return looksAlike === 30;
  });
  let readBytes = 0;
  reader.on("data", (chunk) => {
    readBytes += chunk.length;
  });
  const ended = once(reader, "end");
  reader.resume();
  await ended;
  assert.equal(readBytes, pouredBytesMax);
}
