import assert from "node:assert/strict";
import { roomOf } from "../../src/core/model/quota.js";
import { type Check, refused } from "./cloud-bench.js";

/** Where servers fit, and what else clouds may tell: zones, quotas, consoles. */
export function zoneCases(check: Check): void {
  quotaCases(check);
  consoleCases(check);
  check(
    "CLOUD-24 B4.7 a zone is kept, or refused by name; nothing is made elsewhere",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const account = cloud.accounts[0];
      const zone = cloud.zone ?? "zone-1";
      const launch = { ...cloud.launch, availabilityZones: [zone] };
      const problems = await driver.checkLaunch({ account, launch }, call);
      const request = { ...bench.request("zoned"), zone };
      if (cloud.zone === undefined) {
        assert.deepEqual(
          problems.map(({ field }) => field),
          ["availability_zones"],
        );
        await refused(() => driver.createServer(request, call), "badRequest");
        const intention = { account, server: "zoned" };
        assert.deepEqual(await driver.findByIntention(intention, call), []);
        return;
      }
      assert.deepEqual(problems, []);
      const made = await driver.createServer(request, call);
      assert.equal(await cloud.zoneOf?.(await bench.active(made.id)), zone);
    },
  );
}

/** Clouds that tell their quotas; whoever cannot tell, or has none, is not asked. */
function quotaCases(check: Check): void {
  check(
    "CLOUD-40 B4.7 a quota is what the cloud counts: a server takes of it what was told",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const account = cloud.accounts[0];
      const project = await driver.project(account, call);
      const pin = project === undefined ? {} : { project };
      const ask = () => driver.quota?.({ account, ...pin, launch: cloud.launch }, call);
      const before = await ask();
      if (!before) return;
      for (const { limit, used, perServer } of before)
        assert.ok([limit, used, perServer].every((one) => Number.isInteger(one) && one >= 0));
      const made = await driver.createServer(bench.request("counted"), call);
      await bench.active(made.id);
      await bench.within(cloud.activeWithinMs, async () => {
        const after = (await ask()) ?? [];
        const isTaken = before.every(({ resource, used, perServer }) => {
          return after.find((one) => one.resource === resource)?.used === used + perServer;
        });
        return isTaken || undefined;
      });
      const room = roomOf(before);
      if (room) assert.equal(roomOf((await ask()) ?? [])?.servers, room.servers - 1);
    },
  );
}

/** Clouds that tell what a server said on its console; whoever cannot tell is not asked. */
function consoleCases(check: Check): void {
  check(
    "CLOUD-41 B4.6 a console tells its own account what the server said, and nobody else",
    async (bench) => {
      const { cloud, driver, call } = bench;
      const made = await driver.createServer(bench.request("said"), call);
      const { id } = await bench.active(made.id);
      const ask = (account: string) => driver.consoleTail?.({ account, id, linesMax: 5 }, call);
      const said = await ask(cloud.accounts[0]);
      if (said === undefined) return;
      assert.notEqual(said.trim(), "");
      await refused(async () => ask(cloud.accounts[1]), "notFound");
      await driver.deleteServer({ account: cloud.accounts[0], id }, call);
      await bench.gone(id);
      await refused(async () => ask(cloud.accounts[0]), "notFound");
    },
  );
}
