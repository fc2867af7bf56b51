import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { describe, type TestContext, test } from "node:test";
import type { HealthCheckOptions } from "../../src/drivers/lb-proxy/options.js";
import { connectClient } from "../contract/load-balancer-backend.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";
import { createHost, eventually } from "./lb-helpers.js";

import {
  openProxy,
  put,
  readAll,
  startBackend,
  startServer,
  tcpCheck,
} from "./lb-proxy-helpers.js";

describe("proxy: timers", () => {
  test("B4.11 close leaves no timer behind", async (t) => {
    const system = createHost("").clock;
    const running = new Set<object>();
    const clock = {
      ...system,
      after(delayMs: number, task: () => void) {
        const timer = system.after(delayMs, () => {
          running.delete(timer);
          task();
        });
        running.add(timer);
        return {
          cancel() {
            running.delete(timer);
            timer.cancel();
          },
        };
      },
    };
    const healthCheck = { ...tcpCheck, intervalMs: 60_000 };
    const options = { healthCheck, idleTimeoutMs: 60_000 };
    const { driver, change, members, address } = await openProxy(t, options, { clock });
    const backend = await startBackend(t);
    await change(put(backend.port));
    await eventually("healthy", async () => (await members())[0]?.health === "healthy");
    const client = await connectClient(address);
    assert.equal(running.size, 2);
    await driver.close();
    assert.equal(running.size, 0);
    await client?.close();
  });
});

describe("proxy: health", () => {
  test("B6.1 a new member gets no traffic before its first passed check", async (t) => {
    const { change, members, address } = await openProxy(t, { healthCheck: httpCheck });
    let status = 503;
    const server = await startHttp(t, () => status);
    await change(put(server.port));
    await eventually("unhealthy", async () => (await members())[0]?.health === "unhealthy");
    assert.equal(await statusBy(address), undefined);
    status = 302;
    await eventually("healthy", async () => (await members())[0]?.health === "healthy");
    assert.equal(await statusBy(address), "302");
    assert.deepEqual(server.paths(), ["/", "/healthz"]);
  });

  test("B6.1 when all that were proven fail, they are tried all the same", async (t) => {
    const { change, members, address } = await openProxy(t, { healthCheck: httpCheck });
    let status = 200;
    const server = await startHttp(t, () => status);
    await change(put(server.port));
    await eventually("healthy", async () => (await members())[0]?.health === "healthy");
    status = 500;
    await eventually("unhealthy", async () => (await members())[0]?.health === "unhealthy");
    assert.equal(await statusBy(address), "500");
  });

  test("B6.1 flapping below the thresholds changes nothing, beyond them it does", async (t) => {
    const clock = createVirtualClock();
    const check = { ...httpCheck, intervalMs: 1_000, rise: 3, fall: 2 };
    const { change, members } = await openProxy(t, { healthCheck: check }, { clock });
    const plan = [200, 500, 200, 500, 200, 500, 500, 200, 200, 500, 200, 200, 200];
    let asked = 0;
    const server = await startHttp(t, () => plan[asked++] ?? 200);
    await change(put(server.port));
    const seen: string[] = [];
    for (let turn = 1; turn <= plan.length; turn++) {
      await eventually("asked", async () => {
        if (asked < turn) await clock.advance(100);
        return asked >= turn;
      });
      // The answer is on its way back; the next check starts only when it was counted.
      await eventually("counted", () => server.answered() >= turn);
      await settleUntilNext(async () => void (await members()));
      seen.push((await members())[0]?.health ?? "");
    }
    const [healthy, unhealthy] = ["healthy", "unhealthy"];
    const wanted = [...Array(6).fill(healthy), ...Array(6).fill(unhealthy), healthy];
    assert.deepEqual(seen, wanted);
  });

  test("B4.11 a check that hangs fails at its timeout, and the next one comes", async (t) => {
    const clock = createVirtualClock();
    let opened = 0;
    const silent = await startServer(t, () => opened++);
    const check = { ...httpCheck, intervalMs: 5_000, timeoutMs: 2_000 };
    const { change, members } = await openProxy(t, { healthCheck: check }, { clock });
    await change(put(silent.port));
    await eventually("asked", () => opened === 1);
    assert.equal((await members())[0]?.health, "unknown");
    await clock.advance(2_000);
    assert.equal((await members())[0]?.health, "unhealthy");
    await clock.advance(6_000);
    await eventually("asked again", () => opened === 2);
  });

  test("B6.1 removed members are checked no more", async (t) => {
    let checks = 0;
    const server = await startServer(t, (socket) => {
      checks++;
      socket.end();
    });
    const clock = createVirtualClock();
    const { change, members } = await openProxy(t, { healthCheck: tcpCheck }, { clock });
    await change(put(server.port));
    await eventually("healthy", async () => (await members())[0]?.health === "healthy");
    await change({ kind: "remove", host: "127.0.0.1", port: server.port });
    await eventually("checked once", () => checks === 1);
    await clock.advance(10_000);
    assert.equal(checks, 1);
  });

  test("B6.1 where nothing is checked, health is not claimed", async (t) => {
    const { driver, change, members } = await openProxy(t);
    await change(put(7_001));
    assert.equal(driver.capabilities.checksHealth, false);
    assert.equal((await members())[0]?.health, "unknown");
  });
});

const httpCheck: HealthCheckOptions = { ...tcpCheck, kind: "http", path: "/healthz" };

async function startHttp(t: TestContext, status: () => number) {
  const paths = new Set<string>();
  let answered = 0;
  const server = createHttpServer((request, response) => {
    paths.add(request.url ?? "");
    response.once("close", () => answered++);
    response.writeHead(status(), { connection: "close" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { port, paths: () => [...paths].sort(), answered: () => answered };
}

/** The status of a GET through the proxy; undefined when the connection is refused. */
async function statusBy(address: { readonly host: string; readonly port: number }) {
  const socket = connect(address);
  socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  const text = await readAll(socket).catch(() => "");
  return text.split(" ")[1];
}

/** Lets answers that have arrived be counted. */
async function settleUntilNext(look: () => Promise<void>): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    await look();
  }
}
