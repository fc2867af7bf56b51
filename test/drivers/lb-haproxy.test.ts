import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { MemberChange } from "../../src/core/ports/load-balancer.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createHaproxyDriver } from "../../src/drivers/lb-haproxy/haproxy-driver.js";
import definition from "../../src/drivers/lb-haproxy/index.js";
import type { HaproxyOptions } from "../../src/drivers/lb-haproxy/options.js";
import { createRuntimeApi } from "../../src/drivers/lb-haproxy/runtime-api.js";
import { connectClient, startTcpBackend } from "../contract/load-balancer-backend.js";
import { loadBalancerDriverContract } from "../contract/load-balancer-driver.contract.js";
import { createVirtualClock } from "../simulation/virtual-clock.js";
import { type HaproxyProcess, startHaproxy } from "./haproxy-process.js";
import {
  assertOptionsRefused,
  assertOptionsTaken,
  eventually,
  isOutside,
  makeFolder,
  outside,
  refOf,
} from "./lb-helpers.js";

const clock = createSystemClock();
const web = "web" as LoadBalancerId;
const call = { signal: new AbortController().signal };
const check = { intervalMs: 50, rise: 2, fall: 2 };

function put(port: number, wanted: { weight?: number; draining?: boolean } = {}): MemberChange {
  return { kind: "put", host: "127.0.0.1", port, weight: 1, draining: false, ...wanted };
}

loadBalancerDriverContract("haproxy", {
  async open() {
    const haproxy = await startHaproxy();
    const open = () => createHaproxyDriver({ socket: haproxy.socket, check }, clock);
    const api = createRuntimeApi({ socket: haproxy.socket, timeoutMs: 5_000, clock });
    const driver = open();
    return {
      driver,
      loadBalancer: web,
      address: { path: haproxy.frontSocket },
      async reopen() {
        await driver.close();
        return open();
      },
      async addForeign(host, port) {
        const [answer] = await api.ask([`add server web/theirs ${host}:${port}`], call.signal);
        assert.equal(answer, "New server registered.\n");
      },
      close: () => haproxy.stop(),
    };
  },
});

describe("haproxy driver", () => {
  let haproxy: HaproxyProcess;
  before(async () => {
    haproxy = await startHaproxy();
  });
  after(() => haproxy?.stop());

  const open = (options: Partial<HaproxyOptions> = {}) =>
    createHaproxyDriver({ socket: haproxy.socket, ...options }, clock);
  const members = (id: LoadBalancerId) => open().listMembers(refOf(id), call);

  test("B5.2 servers from the configuration are listed and refused to be changed", async () => {
    const others = "others" as LoadBalancerId;
    const seen = await members(others);
    const fixed = { host: "198.51.100.1", port: 80, weight: 10, draining: false };
    assert.deepEqual(seen[0], { ...fixed, health: "unknown", connections: 0 });
    assert.equal(seen[1]?.draining, true);
    assert.equal(seen[2]?.weight, 7);

    const driver = open();
    const change = { kind: "put", ...fixed } as const;
    await driver.changeMembers(refOf(others), [change], call);
    const heavier = driver.changeMembers(refOf(others), [{ ...change, weight: 11 }], call);
    await assert.rejects(heavier, outside("denied"));
    const gone = driver.changeMembers(refOf(others), [{ ...fixed, kind: "remove" }], call);
    await assert.rejects(gone, outside("denied"));
    assert.deepEqual(await members(others), seen);
  });

  test("B5.2 a backend mapped to an id is used, and an id without one is notFound", async () => {
    const driver = open({ backends: { shop: "web" } });
    const shop = "shop" as LoadBalancerId;
    await driver.changeMembers(refOf(shop), [put(7_001)], call);
    assert.equal((await driver.listMembers(refOf(shop), call)).length, 1);
    await driver.changeMembers(
      refOf(shop),
      [{ kind: "remove", host: "127.0.0.1", port: 7_001 }],
      call,
    );
    for (const id of ["web", "__proto__", "toString"])
      await assert.rejects(
        driver.listMembers(refOf(id as LoadBalancerId), call),
        outside("notFound"),
      );
    const evil = "web; shutdown frontend web" as LoadBalancerId;
    await assert.rejects(open().listMembers(refOf(evil), call), outside("notFound"));
  });

  test("B5.4 what haproxy refuses is told by kind", async () => {
    const driver = open();
    const hashed = "hashed" as LoadBalancerId;
    const refuses = async (change: MemberChange, kind: string, id = web) =>
      assert.rejects(driver.changeMembers(refOf(id), [change], call), outside(kind));
    await refuses(put(80), "badRequest", hashed);
    await refuses({ ...put(80), host: "server.example" }, "badRequest");
    await refuses({ ...put(80), host: "fe80::1%lo" }, "badRequest");
    await refuses(put(80, { weight: 257 }), "badRequest");
    const odd = open({ serverArguments: ["no-such-word"] });
    await assert.rejects(odd.changeMembers(refOf(web), [put(80)], call), outside("badRequest"));
    assert.deepEqual(await members(web), []);
  });

  test("B5.2 what haproxy forgot is told, and put again", async () => {
    const driver = open();
    await driver.changeMembers(refOf(web), [put(7_001), put(7_002)], call);
    await haproxy.restart();
    assert.deepEqual(await driver.listMembers(refOf(web), call), []);
    await driver.changeMembers(refOf(web), [put(7_001)], call);
    assert.equal((await driver.listMembers(refOf(web), call)).length, 1);
    await driver.changeMembers(
      refOf(web),
      [{ kind: "remove", host: "127.0.0.1", port: 7_001 }],
      call,
    );
  });

  test("B5.2 a server left half-way is finished by the next put", async () => {
    const api = createRuntimeApi({ socket: haproxy.socket, timeoutMs: 5_000, clock });
    const backend = await startTcpBackend();
    const driver = open({ check });
    const path = `web/muster-127.0.0.1-${backend.port}`;
    const address = `127.0.0.1:${backend.port}`;
    await api.ask([`add server ${path} ${address} check inter 50ms`], call.signal);
    const half = (await driver.listMembers(refOf(web), call))[0];
    assert.deepEqual([half?.draining, half?.health], [true, "unknown"]);
    await driver.changeMembers(refOf(web), [put(backend.port, { weight: 9 })], call);
    await eventually("healthy", async () => {
      const [member] = await driver.listMembers(refOf(web), call);
      return member?.weight === 9 && !member.draining && member.health === "healthy";
    });
    const remove = { kind: "remove", host: "127.0.0.1", port: backend.port } as const;
    await driver.changeMembers(refOf(web), [remove], call);
    await backend.close();
  });

  test("B6.1 a new member gets no traffic before its checks have passed", async () => {
    const driver = open({ check: { intervalMs: 60_000, rise: 2, fall: 1 } });
    const backend = await startTcpBackend();
    await driver.changeMembers(refOf(web), [put(backend.port)], call);
    assert.equal(await connectClient({ path: haproxy.frontSocket }), undefined);
    const remove = { kind: "remove", host: "127.0.0.1", port: backend.port } as const;
    await driver.changeMembers(refOf(web), [remove], call);
    await backend.close();
  });

  test("B5.3 a member is removed though a request to it is under way", async (t) => {
    const pooled = "pooled" as LoadBalancerId;
    let asked = 0;
    const server = createHttpServer(() => asked++); // Never answers.
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    const driver = open();
    await driver.changeMembers(refOf(pooled), [put(port)], call);
    const request = get({ socketPath: haproxy.httpSocket, agent: false });
    const answered = once(request, "response") as Promise<[IncomingMessage]>;
    await eventually("asked", () => asked === 1);
    assert.equal((await driver.listMembers(refOf(pooled), call))[0]?.connections, 1);
    const remove = { kind: "remove", host: "127.0.0.1", port } as const;
    await driver.changeMembers(refOf(pooled), [remove], call);
    assert.deepEqual(await driver.listMembers(refOf(pooled), call), []);
    const [response] = await answered;
    assert.equal(response.statusCode, 502);
    response.destroy();
  });

  test("B5.4 a socket without the right to change is denied", async () => {
    const guarded = await startHaproxy("user");
    const driver = createHaproxyDriver({ socket: guarded.socket }, clock);
    await assert.rejects(driver.changeMembers(refOf(web), [put(80)], call), outside("denied"));
    await guarded.stop();
  });

  test("B5.1 its options refuse what could end a command", () => {
    assertOptionsTaken(definition, { socket: "/run/haproxy/admin.sock", check });
    assertOptionsTaken(definition, { socket: "127.0.0.1:9999", backends: { a: "web" } });
    for (const wrong of [
      {},
      { socket: "192.0.2.1:9999" },
      { socket: "/s", backends: { a: "web; quit" } },
      { socket: "/s", namePrefix: "a b" },
      { socket: "/s", serverArguments: ["check; quit"] },
      { socket: "/s", extra: 1 },
    ])
      assertOptionsRefused(definition, wrong);
  });
});

describe("haproxy driver, facing a socket that errs", () => {
  /** A peer that does what a broken HAProxy might. */
  async function facing(serve: (socket: Socket) => void) {
    const folder = await makeFolder();
    const socket = `${folder.path}/peer.sock`;
    const sockets = new Set<Socket>();
    const server = createServer((client) => {
      sockets.add(client);
      client.on("error", () => {});
      serve(client);
    });
    server.listen(socket);
    await once(server, "listening");
    const close = async () => {
      for (const client of sockets) client.destroy();
      server.close();
      await folder.remove();
    };
    return { socket, close };
  }

  test("B5.4 nobody listening is temporary, and nothing was done", async () => {
    const folder = await makeFolder();
    const driver = createHaproxyDriver({ socket: `${folder.path}/none.sock` }, clock);
    await assert.rejects(driver.changeMembers(refOf(web), [put(80)], call), (error) => {
      isOutside(error, "temporary");
      return !error.ambiguous;
    });
    await folder.remove();
  });

  test("B5.4 a connection that breaks off is temporary and ambiguous", async () => {
    let asked = 0;
    const peer = await facing((client) =>
      client.once("data", () => {
        asked++;
        client.end("\n> \n> 1\n# be_id");
      }),
    );
    const driver = createHaproxyDriver({ socket: peer.socket }, clock);
    await assert.rejects(driver.listMembers(refOf(web), call), (error) => {
      isOutside(error, "temporary");
      return error.ambiguous;
    });
    assert.equal(asked, 1);
    await peer.close();
  });

  test("B4.11 silence ends at the deadline", async () => {
    const virtual = createVirtualClock();
    let heard = () => {};
    const hears = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const peer = await facing((client) => client.once("data", heard));
    const driver = createHaproxyDriver({ socket: peer.socket, timeoutMs: 3_000 }, virtual);
    const listing = assert.rejects(driver.listMembers(refOf(web), call), outside("temporary"));
    await hears;
    await virtual.advance(3_000);
    await listing;
    await peer.close();
  });

  test("B4.11 a caller that leaves ends the exchange", async () => {
    const leaving = new AbortController();
    const peer = await facing((client) => client.once("data", () => leaving.abort()));
    const driver = createHaproxyDriver({ socket: peer.socket }, clock);
    await assert.rejects(
      driver.listMembers(refOf(web), { signal: leaving.signal }),
      outside("temporary"),
    );
    await peer.close();
  });

  test("B4.11 an answer without end is cut off", async () => {
    const block = Buffer.alloc(1_024 * 1_024, "x");
    let sent = 0;
    const peer = await facing((client) => {
      const pour = () => {
        while (!client.destroyed && sent < 64) {
          sent++;
          if (!client.write(block)) return;
        }
      };
      client.on("drain", pour);
      client.once("data", pour);
    });
    const driver = createHaproxyDriver({ socket: peer.socket }, clock);
    await assert.rejects(driver.listMembers(refOf(web), call), outside("unknown"));
    assert.ok(sent >= 17 && sent < 64, `${sent} MiB were sent`);
    await peer.close();
  });
});
