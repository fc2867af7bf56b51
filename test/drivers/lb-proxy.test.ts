import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import definition from "../../src/drivers/lb-proxy/index.js";
import { openProxyDriver, type ProxyDriver } from "../../src/drivers/lb-proxy/proxy-driver.js";
import { loadBalancerDriverContract } from "../contract/load-balancer-driver.contract.js";
import {
  assertOptionsRefused,
  assertOptionsTaken,
  createHost,
  createListLog,
  makeFolder,
  outside,
  refOf,
} from "./lb-helpers.js";

import {
  call,
  connectRaw,
  openProxy,
  optionsOf,
  put,
  readAll,
  startServer,
  tcpCheck,
  web,
} from "./lb-proxy-helpers.js";

loadBalancerDriverContract("proxy", {
  async open() {
    const folder = await makeFolder();
    const open = () =>
      openProxyDriver(optionsOf({ healthCheck: tcpCheck }), createHost(folder.path));
    const driver = await open();
    let reopened: ProxyDriver | undefined;
    return {
      driver,
      loadBalancer: web,
      address: { host: "127.0.0.1", port: driver.addressOf(web).port },
      async reopen() {
        await driver.close();
        reopened = await open();
        return reopened;
      },
      async close() {
        await driver.close();
        await reopened?.close();
        await folder.remove();
      },
    };
  },
});

describe("proxy: membership", () => {
  test("B5.2 what was answered is on the disk, and serves at once after a restart", async (t) => {
    const folder = await makeFolder();
    t.after(folder.remove);
    // After the restart no check is ever answered: the member is trusted for having been one.
    const healthCheck = { ...tcpCheck, kind: "http", timeoutMs: 60_000 } as const;
    const options = optionsOf({ healthCheck });
    let reached = 0;
    const backend = await startServer(t, (socket) =>
      socket.once("data", (data) => {
        if (!data.toString().startsWith("hello")) return;
        reached++;
        socket.end("hello");
      }),
    );
    const first = await openProxyDriver(options, createHost(folder.path));
    await first.changeMembers(refOf(web), [put(backend.port, { weight: 3 })], call);
    assert.deepEqual(JSON.parse(await readFile(`${folder.path}/web.members.json`, "utf8")), {
      version: 1,
      members: [{ host: "127.0.0.1", port: backend.port, weight: 3, draining: false }],
    });
    assert.deepEqual(await readdir(folder.path), ["web.members.json"]);
    await first.close();
    const second = await openProxyDriver(options, createHost(folder.path));
    t.after(() => second.close());
    const client = await connectRaw(t, second.addressOf(web).port);
    client.end("hello");
    assert.equal(await readAll(client), "hello");
    assert.equal(reached, 1);
  });

  test("B5.2 changes that cannot be stored are refused, and not taken", async (t) => {
    const { change, folder, members } = await openProxy(t);
    await change(put(7_001));
    // A folder stands where the new file would be written.
    await mkdir(`${folder}/web.members.json.new`);
    await assert.rejects(change(put(7_002)), outside("temporary"));
    assert.equal((await members()).length, 1);
    await rmdir(`${folder}/web.members.json.new`);
    await change(put(7_002));
    assert.equal((await members()).length, 2);
  });

  test("B5.2 a file that cannot be read is set aside, loudly", async (t) => {
    const folder = await makeFolder();
    t.after(folder.remove);
    await writeFile(`${folder.path}/web.members.json`, '{"version":1,"members":[{"host":1}]}');
    const log = createListLog();
    const driver = await openProxyDriver(optionsOf({}), createHost(folder.path, log));
    t.after(() => driver.close());
    assert.deepEqual(await driver.listMembers(refOf(web), call), []);
    assert.deepEqual(log.lines, ["member file cannot be read"]);
    assert.deepEqual(await readdir(folder.path), ["web.members.json.broken"]);
  });

  test("B5.4 changes at the same time follow each other", async (t) => {
    const { change, members, folder } = await openProxy(t);
    const ports = Array.from({ length: 30 }, (_, index) => 7_000 + index);
    await Promise.all(ports.map((port) => change(put(port))));
    assert.deepEqual(
      (await members()).map(({ port }) => port),
      ports,
    );
    const stored = JSON.parse(await readFile(`${folder}/web.members.json`, "utf8"));
    assert.equal(stored.members.length, 30);
  });

  test("B5.4 a member limit is quota, and nothing is taken", async (t) => {
    const { change, members } = await openProxy(t);
    const many = Array.from({ length: 10_001 }, (_, index) => put(index + 1));
    await assert.rejects(change(...many), outside("quota"));
    assert.deepEqual(await members(), []);
  });

  test("B5.1 an address that is taken refuses the driver by name", async (t) => {
    const { address } = await openProxy(t);
    const folder = await makeFolder();
    t.after(folder.remove);
    const loadBalancers = {
      free: { listen: "127.0.0.1:0" },
      taken: { listen: `127.0.0.1:${address.port}` },
    };
    await assert.rejects(openProxyDriver({ loadBalancers }, createHost(folder.path)), (error) => {
      assert.ok(isFault(error, "DRIVER_REFUSED"));
      assert.match(error.message, /taken.*EADDRINUSE/);
      return true;
    });
  });

  test("B5.1 its options refuse unknown keys and ids that are no file names", () => {
    const listen = "127.0.0.1:8080";
    const healthCheck = { ...tcpCheck, kind: "http", path: "/healthz" };
    assertOptionsTaken(definition, { loadBalancers: { web: { listen, healthCheck } } });
    assertOptionsTaken(definition, { loadBalancers: { web: { listen: "[::1]:0" } } });
    for (const wrong of [
      {},
      { loadBalancers: { "../web": { listen } } },
      { loadBalancers: { web: {} } },
      { loadBalancers: { web: { listen: "8080" } } },
      { loadBalancers: { web: { listen, speed: 1 } } },
      { loadBalancers: { web: { listen, healthCheck: { ...tcpCheck, path: "a b" } } } },
    ])
      assertOptionsRefused(definition, wrong);
  });
});
