import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { quietMs, useServers } from "../own-servers.js";
import { getServer } from "../servers.js";

const prefix = "bed-builds-";

describe("the test bed, side by side with others", { timeout: 600_000 }, () => {
  const { its, create, built } = useServers(prefix);

  test("builds a server on a network, and tells what the virt driver was given", async () => {
    const userData = Buffer.from("#!/bin/sh\n").toString("base64");
    const id = await create("plain", {
      networks: [{ uuid: its.bed.facts.network }],
      metadata: { colour: "blue" },
      user_data: userData,
    });
    assert.equal((await built(id)).status, "ACTIVE");
    const guest = await its.bed.guest(id);
    assert.equal(guest.name, `${prefix}plain`);
    assert.equal(guest.userData, userData);
    assert.deepEqual(guest.metadata, { colour: "blue" });
    assert.deepEqual(
      guest.ports.map((port) => port.network),
      [its.bed.facts.network],
    );
  });

  test("has room for many servers in both projects", async () => {
    for (const caller of [its.bed.callers.acme, its.bed.callers.other]) {
      const { body } = await caller.call("compute", "GET", "/limits");
      const limits = body["limits"] as { absolute: { maxTotalInstances: number } };
      assert.ok(limits.absolute.maxTotalInstances >= 100);
    }
  });

  test("ends builds in ERROR: aborted, or failed as nobody foresaw", async () => {
    await its.bed.faults.set("compute", [
      { match: { name: "bed-builds-abort" }, end: "abort", message: "disk full" },
      { match: { name: "bed-builds-error" }, end: "error", message: "disk gone" },
    ]);
    const [aborted, failed] = [await create("abort"), await create("error")];
    const first = await built(aborted);
    assert.equal(first.status, "ERROR");
    assert.match(first.fault?.message ?? "", /disk full/);
    const second = await built(failed);
    assert.equal(second.status, "ERROR");
    assert.match(second.fault?.message ?? "", /disk gone/);
    const fired = await its.bed.faults.fired("compute");
    assert.deepEqual(new Set(fired.map((one) => one.rule)), new Set([0, 1]));
  });

  test("builds slowly, and as often as it was told to", async () => {
    await its.bed.faults.set("compute", [
      { match: { name: "bed-builds-slow" }, delaySeconds: quietMs / 1000, times: 1 },
    ]);
    const startedAt = performance.now();
    assert.equal((await built(await create("slow-1"))).status, "ACTIVE");
    assert.ok(performance.now() - startedAt >= quietMs);
    assert.equal((await built(await create("slow-2"))).status, "ACTIVE");
    assert.equal((await its.bed.faults.fired("compute")).length, 1);
  });

  test("hangs in a build until it is healed", async () => {
    await its.bed.faults.set("compute", [{ match: { name: "bed-builds-hang" }, end: "hang" }]);
    const id = await create("hang");
    while ((await its.bed.faults.fired("compute")).length === 0) await sleep(100);
    await sleep(quietMs);
    assert.equal((await getServer(its.bed.callers.acme, id))?.status, "BUILD");
    await its.bed.faults.heal();
    assert.equal((await built(id)).status, "ACTIVE");
  });

  test("forgets a server that it took down, as often as it was told to", async () => {
    await its.bed.faults.set("handover", [{ match: { name: "bed-builds-forgotten" }, times: 1 }]);
    const id = await create("forgotten-1");
    assert.equal((await built(await create("forgotten-2"))).status, "ACTIVE");
    assert.equal((await getServer(its.bed.callers.acme, id))?.status, "BUILD");
    assert.equal((await its.bed.faults.fired("handover")).length, 1);
  });

  test("makes a load balancer with a pool, and takes it away", async () => {
    const { acme } = its.bed.callers;
    const { subnet } = its.bed.facts;
    const made = await makeBalancer(acme, { name: `${prefix}pool`, subnet });
    const path = `/v2.0/lbaas/pools/${made.poolId}`;
    assert.equal((await acme.call("loadBalancer", "GET", path)).status, 200);
    await removeBalancer(acme, made.loadBalancerId);
    assert.equal((await acme.call("loadBalancer", "GET", path)).status, 404);
  });
});
