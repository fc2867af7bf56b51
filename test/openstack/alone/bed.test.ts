import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { openBed } from "../bed.js";
import type { Daemon } from "../bed-facts.js";
import { callerAgent } from "../caller.js";
import { quietMs, useServers } from "../own-servers.js";
import { bodyOf, getServer, listServers } from "../servers.js";

const prefix = "bed-test-";
/** Only this file's calls: who else uses the bed is not disturbed. */
const ours = { agent: callerAgent };
const creates = { ...ours, method: "POST", path: "/servers$" };

describe("the test bed", { timeout: 600_000 }, () => {
  const { its, create, built } = useServers(prefix);
  afterEach(() => its.bed.hosts.enable());

  const post = (name: string, msMax?: number) => {
    const body = bodyOf(its.bed.facts, { name: `${prefix}${name}` });
    return its.bed.callers.acme.call("compute", "POST", "/servers", body, msMax);
  };
  const list = (msMax?: number) =>
    its.bed.callers.acme.call("compute", "GET", "/servers", undefined, msMax);

  test("refuses to bind a port", async () => {
    await its.bed.faults.set("network", [{ isRefused: true }]);
    const id = await create("portless", { networks: [{ uuid: its.bed.facts.network }] });
    const server = await built(id);
    assert.equal(server.status, "ERROR");
    assert.ok((await its.bed.faults.fired("network")).length > 0);
  });

  test("finds no valid host: for what is too large, and for anything while hosts are off", async () => {
    const huge = await built(await create("huge", { flavorRef: its.bed.facts.flavors.huge }));
    await its.bed.hosts.disable();
    const tiny = await built(await create("nowhere"));
    for (const { status, fault } of [huge, tiny]) {
      assert.equal(status, "ERROR");
      assert.match(fault?.message ?? "", /No valid host was found/);
    }
    await its.bed.hosts.enable();
    assert.equal((await built(await create("somewhere"))).status, "ACTIVE");
  });

  test("answers 429, and answers late", async () => {
    const headers = { "Retry-After": "7" };
    await its.bed.faults.set("nova", [
      { match: ours, status: 429, headers, times: 1 },
      { match: ours, delaySeconds: 2, times: 1 },
    ]);
    const refused = await list();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("Retry-After"), "7");
    const startedAt = performance.now();
    assert.equal((await list()).status, 200);
    assert.ok(performance.now() - startedAt >= 2_000);
    const fired = await its.bed.faults.fired("nova");
    assert.deepEqual(
      fired.map((one) => one.rule),
      [0, 1],
    );
  });

  test("keeps each test process's faults apart from others'", async () => {
    const theirs = await openBed();
    await its.bed.faults.set("nova", [{ match: ours, status: 429, times: 1 }]);
    await theirs.faults.set("nova", [{ match: ours, status: 503 }]);
    await theirs.faults.heal();
    assert.equal((await list()).status, 429);
    assert.equal((await its.bed.faults.fired("nova")).length, 1);
    assert.equal((await theirs.faults.fired("nova")).length, 0);
  });

  test("loses a request before it was done, and answers after", async () => {
    await its.bed.faults.set("nova", [
      { match: creates, cut: true, times: 1 },
      { match: creates, cut: true, isDone: true, times: 1 },
      { match: creates, status: 504, isDone: true, times: 1 },
    ]);
    await assert.rejects(post("never"), /fetch failed/);
    await assert.rejects(post("cut"), /fetch failed/);
    assert.equal((await post("gateway")).status, 504);
    assert.equal((await its.bed.faults.fired("nova")).length, 3);
    const names = (await listServers(its.bed.callers.acme, prefix)).map(({ name }) => name);
    assert.deepEqual(names.toSorted(), [`${prefix}cut`, `${prefix}gateway`]);
  });

  test("loses answers of services that stand on uWSGI too", async () => {
    const match = { ...ours, method: "POST", path: "/loadbalancers$" };
    await its.bed.faults.set("octavia", [{ match, cut: true, isDone: true, times: 1 }]);
    const { acme } = its.bed.callers;
    const { subnet } = its.bed.facts;
    const name = `${prefix}lost-${process.pid}`;
    await assert.rejects(makeBalancer(acme, { name, subnet }), /fetch failed/);
    assert.equal((await its.bed.faults.fired("octavia")).length, 1);
    const path = `/v2.0/lbaas/loadbalancers?name=${name}`;
    const found = await acme.call("loadBalancer", "GET", path);
    const made = found.body["loadbalancers"] as readonly { readonly id: string }[];
    assert.equal(made.length, 1);
    await removeBalancer(acme, made[0]!.id);
  });

  /** Ends or freezes a daemon for a while. */
  async function without(daemon: Daemon, how: "kill" | "pause", during: () => Promise<void>) {
    await its.bed.services[how](daemon);
    try {
      await during();
    } finally {
      await its.bed.services[how === "kill" ? "start" : "resume"](daemon);
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
    assert.equal((await listServers(its.bed.callers.acme, `${prefix}late`)).length, 1);
  });

  test("builds nothing while nova-compute is frozen, and goes on afterwards", async () => {
    let id = "";
    await without("nova-compute", "pause", async () => {
      id = await create("later");
      await sleep(quietMs);
      assert.equal((await getServer(its.bed.callers.acme, id))?.status, "BUILD");
    });
    assert.equal((await built(id)).status, "ACTIVE");
  });

  test("ends what nova-compute was to build when it was killed, then builds again", async () => {
    let id = "";
    await without("nova-compute", "kill", async () => {
      id = await create("orphan");
      await sleep(quietMs);
      assert.equal((await getServer(its.bed.callers.acme, id))?.status, "BUILD");
    });
    await built(id); // In ERROR, or ACTIVE where it took up its messages first.
    await its.bed.novaReady();
    assert.equal((await built(await create("heir"))).status, "ACTIVE");
  });

  test("builds nothing while the message bus is down, and goes on afterwards", async () => {
    await without("rabbitmq", "kill", async () => {
      // It may be taken, and lost; or never be answered.
      await post("unheard", quietMs).catch(() => undefined);
      await sleep(quietMs);
      const unheard = await listServers(its.bed.callers.acme, `${prefix}unheard`);
      assert.deepEqual(
        unheard.filter((one) => one.status !== "BUILD"),
        [],
      );
    });
    await its.bed.novaReady();
    assert.equal((await built(await create("heard"))).status, "ACTIVE");
  });
});
