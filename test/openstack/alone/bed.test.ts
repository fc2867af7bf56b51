import assert from "node:assert/strict";
import { afterEach, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { type Bed, openBed } from "../bed.js";
import type { Daemon } from "../bed-facts.js";
import { callerAgent } from "../caller.js";
import {
  bodyOf,
  createServer,
  getServer,
  listServers,
  removeServers,
  serverAfter,
} from "../servers.js";

const prefix = "bed-test-";
/** Only this file's calls: who else uses the bed is not disturbed. */
const ours = { agent: callerAgent };
const creates = { ...ours, method: "POST", path: "/servers$" };
/** Longer than Nova takes, on a busy machine too. */
const quietMs = 5_000;

describe("the test bed", { timeout: 600_000 }, () => {
  let bed: Bed;
  before(async () => {
    bed = await openBed();
  });
  afterEach(async () => {
    await bed.faults.heal();
    await bed.hosts.enable();
    await removeServers(bed.callers.acme, prefix);
  });

  const create = (name: string, more: Readonly<Record<string, unknown>> = {}) =>
    createServer(bed.callers.acme, bed.facts, { name: `${prefix}${name}`, ...more });
  const post = (name: string, msMax?: number) => {
    const body = bodyOf(bed.facts, { name: `${prefix}${name}` });
    return bed.callers.acme.call("compute", "POST", "/servers", body, msMax);
  };
  const list = (msMax?: number) =>
    bed.callers.acme.call("compute", "GET", "/servers", undefined, msMax);
  const built = (id: string) => serverAfter(bed.callers.acme, id, "BUILD");

  test("builds a server on a network, and tells what the virt driver was given", async () => {
    const userData = Buffer.from("#!/bin/sh\n").toString("base64");
    const id = await create("plain", {
      networks: [{ uuid: bed.facts.network }],
      metadata: { colour: "blue" },
      user_data: userData,
    });
    assert.equal((await built(id)).status, "ACTIVE");
    const guest = await bed.guest(id);
    assert.equal(guest.name, `${prefix}plain`);
    assert.equal(guest.userData, userData);
    assert.deepEqual(guest.metadata, { colour: "blue" });
    assert.deepEqual(
      guest.ports.map((port) => port.network),
      [bed.facts.network],
    );
  });

  test("has room for many servers in both projects", async () => {
    for (const caller of [bed.callers.acme, bed.callers.other]) {
      const { body } = await caller.call("compute", "GET", "/limits");
      const limits = body["limits"] as { absolute: { maxTotalInstances: number } };
      assert.ok(limits.absolute.maxTotalInstances >= 100);
    }
  });

  test("ends builds in ERROR: aborted, or failed as nobody foresaw", async () => {
    await bed.faults.set("compute", [
      { match: { name: "bed-test-abort" }, end: "abort", message: "disk full" },
      { match: { name: "bed-test-error" }, end: "error", message: "disk gone" },
    ]);
    const [aborted, failed] = [await create("abort"), await create("error")];
    const first = await built(aborted);
    assert.equal(first.status, "ERROR");
    assert.match(first.fault?.message ?? "", /disk full/);
    const second = await built(failed);
    assert.equal(second.status, "ERROR");
    assert.match(second.fault?.message ?? "", /disk gone/);
    const fired = await bed.faults.fired("compute");
    assert.deepEqual(new Set(fired.map((one) => one.rule)), new Set([0, 1]));
  });

  test("builds slowly, and as often as it was told to", async () => {
    await bed.faults.set("compute", [
      { match: { name: "bed-test-slow" }, delaySeconds: quietMs / 1000, times: 1 },
    ]);
    const startedAt = performance.now();
    assert.equal((await built(await create("slow-1"))).status, "ACTIVE");
    assert.ok(performance.now() - startedAt >= quietMs);
    assert.equal((await built(await create("slow-2"))).status, "ACTIVE");
    assert.equal((await bed.faults.fired("compute")).length, 1);
  });

  test("hangs in a build until it is healed", async () => {
    await bed.faults.set("compute", [{ match: { name: "bed-test-hang" }, end: "hang" }]);
    const id = await create("hang");
    while ((await bed.faults.fired("compute")).length === 0) await sleep(100);
    await sleep(quietMs);
    assert.equal((await getServer(bed.callers.acme, id))?.status, "BUILD");
    await bed.faults.heal();
    assert.equal((await built(id)).status, "ACTIVE");
  });

  test("refuses to bind a port", async () => {
    await bed.faults.set("network", [{ isRefused: true }]);
    const id = await create("portless", { networks: [{ uuid: bed.facts.network }] });
    const server = await built(id);
    assert.equal(server.status, "ERROR");
    assert.ok((await bed.faults.fired("network")).length > 0);
  });

  test("finds no valid host: for what is too large, and for anything while hosts are off", async () => {
    const huge = await built(await create("huge", { flavorRef: bed.facts.flavors.huge }));
    await bed.hosts.disable();
    const tiny = await built(await create("nowhere"));
    for (const { status, fault } of [huge, tiny]) {
      assert.equal(status, "ERROR");
      assert.match(fault?.message ?? "", /No valid host was found/);
    }
    await bed.hosts.enable();
    assert.equal((await built(await create("somewhere"))).status, "ACTIVE");
  });

  test("answers 429, and answers late", async () => {
    const headers = { "Retry-After": "7" };
    await bed.faults.set("nova", [
      { match: ours, status: 429, headers, times: 1 },
      { match: ours, delaySeconds: 2, times: 1 },
    ]);
    const refused = await list();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("Retry-After"), "7");
    const startedAt = performance.now();
    assert.equal((await list()).status, 200);
    assert.ok(performance.now() - startedAt >= 2_000);
    const fired = await bed.faults.fired("nova");
    assert.deepEqual(
      fired.map((one) => one.rule),
      [0, 1],
    );
  });

  test("keeps each test process's faults apart from others'", async () => {
    const theirs = await openBed();
    await bed.faults.set("nova", [{ match: ours, status: 429, times: 1 }]);
    await theirs.faults.set("nova", [{ match: ours, status: 503 }]);
    await theirs.faults.heal();
    assert.equal((await list()).status, 429);
    assert.equal((await bed.faults.fired("nova")).length, 1);
    assert.equal((await theirs.faults.fired("nova")).length, 0);
  });

  test("loses a request before it was done, and answers after", async () => {
    await bed.faults.set("nova", [
      { match: creates, cut: true, times: 1 },
      { match: creates, cut: true, isDone: true, times: 1 },
      { match: creates, status: 504, isDone: true, times: 1 },
    ]);
    await assert.rejects(post("never"), /fetch failed/);
    await assert.rejects(post("cut"), /fetch failed/);
    assert.equal((await post("gateway")).status, 504);
    assert.equal((await bed.faults.fired("nova")).length, 3);
    const names = (await listServers(bed.callers.acme, prefix)).map(({ name }) => name);
    assert.deepEqual(names.toSorted(), [`${prefix}cut`, `${prefix}gateway`]);
  });

  test("loses answers of services that stand on uWSGI too", async () => {
    const match = { ...ours, method: "POST", path: "/loadbalancers$" };
    await bed.faults.set("octavia", [{ match, cut: true, isDone: true, times: 1 }]);
    const { acme } = bed.callers;
    const { subnet } = bed.facts;
    const name = `${prefix}lost-${process.pid}`;
    await assert.rejects(makeBalancer(acme, { name, subnet }), /fetch failed/);
    assert.equal((await bed.faults.fired("octavia")).length, 1);
    const path = `/v2.0/lbaas/loadbalancers?name=${name}`;
    const found = await acme.call("loadBalancer", "GET", path);
    const made = found.body["loadbalancers"] as readonly { readonly id: string }[];
    assert.equal(made.length, 1);
    await removeBalancer(acme, made[0]!.id);
  });

  test("makes a load balancer with a pool, and takes it away", async () => {
    const { acme } = bed.callers;
    const { subnet } = bed.facts;
    const made = await makeBalancer(acme, { name: `${prefix}pool`, subnet });
    const path = `/v2.0/lbaas/pools/${made.poolId}`;
    assert.equal((await acme.call("loadBalancer", "GET", path)).status, 200);
    await removeBalancer(acme, made.loadBalancerId);
    assert.equal((await acme.call("loadBalancer", "GET", path)).status, 404);
  });

  /** Ends or freezes a daemon for a while. */
  async function without(daemon: Daemon, how: "kill" | "pause", during: () => Promise<void>) {
    await bed.services[how](daemon);
    try {
      await during();
    } finally {
      await bed.services[how === "kill" ? "start" : "resume"](daemon);
    }
  }

  test("lets nova-api be killed and started again", async () => {
    await without("nova-api", "kill", () => assert.rejects(list(), /fetch failed/));
    assert.equal((await list()).status, 200);
  });

  test("freezes nova-api: what was asked meanwhile is answered afterwards", async () => {
    let late: Promise<unknown> | undefined;
    await without("nova-api", "pause", async () => {
      await assert.rejects(list(2_000), { name: "TimeoutError" });
      late = post("late");
      await sleep(1_000);
    });
    await late;
    assert.equal((await listServers(bed.callers.acme, `${prefix}late`)).length, 1);
  });

  test("builds nothing while nova-compute is frozen, and goes on afterwards", async () => {
    let id = "";
    await without("nova-compute", "pause", async () => {
      id = await create("later");
      await sleep(quietMs);
      assert.equal((await getServer(bed.callers.acme, id))?.status, "BUILD");
    });
    assert.equal((await built(id)).status, "ACTIVE");
  });

  test("gives up what nova-compute was to build when it was killed, then builds again", async () => {
    let id = "";
    await without("nova-compute", "kill", async () => {
      id = await create("orphan");
      await sleep(quietMs);
      assert.equal((await getServer(bed.callers.acme, id))?.status, "BUILD");
    });
    assert.equal((await built(id)).status, "ERROR");
    await bed.novaReady();
    assert.equal((await built(await create("heir"))).status, "ACTIVE");
  });

  test("builds nothing while the message bus is down, and goes on afterwards", async () => {
    await without("rabbitmq", "kill", async () => {
      // It may be taken, and lost; or never be answered.
      await post("unheard", quietMs).catch(() => undefined);
      await sleep(quietMs);
      const unheard = await listServers(bed.callers.acme, `${prefix}unheard`);
      assert.deepEqual(
        unheard.filter((one) => one.status !== "BUILD"),
        [],
      );
    });
    await bed.novaReady();
    assert.equal((await built(await create("heard"))).status, "ACTIVE");
  });
});
