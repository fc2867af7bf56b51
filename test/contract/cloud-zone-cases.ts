import assert from "node:assert/strict";
import { type Check, refused } from "./cloud-bench.js";

/** Clouds with zones, and those without. */
export function zoneCases(check: Check): void {
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
