import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecure } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { OutsideFault } from "../../../src/core/errors/outside-fault.js";
import { createSystemClock } from "../../../src/drivers/clock-system/index.js";
import { createHttp, type Http, type HttpMethod } from "../../../src/drivers/openstack/http.js";
import { authority, certificate, certificateKey } from "../../server/certificates.js";

/** A server on loopback, and a client for it; both are closed after `body`. */
async function withServer(
  serve: RequestListener,
  body: (bench: {
    readonly http: Http;
    readonly url: URL;
    readonly server: Server;
  }) => Promise<void>,
  secure?: { readonly ca?: string[] },
): Promise<void> {
  const identity = { cert: certificate, key: certificateKey };
  const server = secure ? createSecure(identity, serve) : createServer(serve);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const clock = createSystemClock();
  const http = createHttp({ clock, agent: "muster (test)", ...(secure?.ca && { ca: secure.ca }) });
  try {
    const url = new URL(`${secure ? "https" : "http"}://127.0.0.1:${port}/x`);
    await body({ http, url, server });
  } finally {
    http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function ask(
  http: Http,
  url: URL,
  method: HttpMethod = "GET",
  signal = AbortSignal.timeout(10_000),
) {
  const body = method === "POST" ? { a: "ä" } : undefined;
  return http.exchange({ method, url, headers: { "x-auth-token": "t" }, body, signal });
}

async function faultOf(work: Promise<unknown>): Promise<OutsideFault> {
  const error = await work.then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof OutsideFault, String(error));
  return error;
}

test("M4.1 a request goes out as JSON, and its answer comes back with the request's id", async () => {
  let seen = "";
  await withServer(
    (request, response) => {
      request.setEncoding("utf8").on("data", (part: string) => {
        seen += part;
      });
      request.on("end", () => {
        seen += ` ${request.headers["user-agent"]} ${request.headers["content-length"]}`;
        const id = request.method === "GET" ? "x-compute-request-id" : "x-openstack-request-id";
        response.setHeader("content-type", "application/json").setHeader(id, "req-1");
        response.writeHead(202).end('{"b":1}');
      });
    },
    async ({ http, url }) => {
      const answer = await ask(http, url, "POST");
      assert.deepEqual([answer.status, answer.body, answer.requestId], [202, { b: 1 }, "req-1"]);
      assert.equal(seen, '{"a":"ä"} muster (test) 10');
      assert.equal((await ask(http, url)).requestId, "req-1");
    },
  );
});

test("B9.4 connections are kept, and one that the server has dropped costs a look nothing", async () => {
  const sockets = new Set<Socket>();
  let drop = false;
  let dropped = 0;
  await withServer(
    (request, response) => {
      sockets.add(request.socket);
      if (!drop) return void response.end("{}");
      drop = false;
      dropped += 1;
      request.socket.resetAndDestroy();
    },
    async ({ http, url }) => {
      await ask(http, url);
      await ask(http, url);
      assert.equal(sockets.size, 1);
      drop = true;
      assert.equal((await ask(http, url)).status, 200);
      assert.deepEqual([dropped, sockets.size], [1, 2]);
      await ask(http, url);
      drop = true;
      const fault = await faultOf(ask(http, url, "POST"));
      assert.deepEqual([fault.kind, fault.ambiguous, dropped], ["temporary", true, 2]);
    },
  );
});

test("B4.5 whether a change may have happened goes by whether it was on its way", async () => {
  let seen = 0;
  await withServer(
    (request) => {
      seen += 1;
      request.socket.resetAndDestroy();
    },
    async ({ http, url, server }) => {
      for (const method of ["POST", "PUT", "DELETE"] as const)
        assert.equal((await faultOf(ask(http, url, method))).ambiguous, true);
      assert.equal((await faultOf(ask(http, url))).ambiguous, false);
      assert.equal(seen, 4);
      await new Promise((resolve) => server.close(resolve));
      const refused = await faultOf(ask(http, url, "POST"));
      assert.deepEqual([refused.kind, refused.ambiguous], ["temporary", false]);
      const late = await faultOf(ask(http, url, "POST", AbortSignal.abort()));
      assert.equal(late.ambiguous, false);
      server.listen(0); // Closed by the bench.
    },
  );
});

test("B4.11 no call outlives its deadline, nor the driver", async () => {
  let held = 0;
  await withServer(
    () => {
      held += 1;
    },
    async ({ http, url }) => {
      const slow = await faultOf(ask(http, url, "POST", AbortSignal.timeout(100)));
      assert.deepEqual([slow.kind, slow.ambiguous], ["temporary", true]);
      const waiting = faultOf(ask(http, url, "POST"));
      while (held < 2) await new Promise((resolve) => setImmediate(resolve));
      http.close();
      assert.match((await waiting).message, /the driver is closed/);
      assert.match((await faultOf(ask(http, url))).message, /the driver is closed/);
    },
  );
});

test("B4.11 an answer without end is broken off", async () => {
  const chunk = Buffer.alloc(1_024 * 1_024);
  await withServer(
    (_request, response) => {
      const more = (): void => {
        while (response.write(chunk));
        response.once("drain", more);
      };
      more();
    },
    async ({ http, url }) => {
      const fault = await faultOf(ask(http, url));
      assert.match(fault.message, /longer than 33554432 bytes/);
    },
  );
});

test("B4.11 an answer that ends too early is none", async () => {
  await withServer(
    (_request, response) => {
      response.writeHead(200, { "content-length": "100", "content-type": "application/json" });
      response.write("{}", () => response.socket?.resetAndDestroy());
    },
    async ({ http, url }) => {
      const fault = await faultOf(ask(http, url, "POST"));
      assert.deepEqual([fault.kind, fault.ambiguous], ["temporary", true]);
    },
  );
});

test("M9.4 a cloud is trusted by its CA file, and no secret goes to one that is not", async () => {
  let asked = 0;
  const serve: RequestListener = (_request, response) => {
    asked += 1;
    response.end("{}");
  };
  await withServer(
    serve,
    async ({ http, url }) => assert.equal((await ask(http, url, "POST")).status, 200),
    { ca: [authority] },
  );
  assert.equal(asked, 1);
  await withServer(
    serve,
    async ({ http, url }) => {
      const fault = await faultOf(ask(http, url, "POST"));
      assert.deepEqual([fault.kind, fault.ambiguous], ["temporary", false]);
      assert.match(fault.message, /certificate/);
    },
    {},
  );
  assert.equal(asked, 1);
});
