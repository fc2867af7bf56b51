import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { Muster } from "../../../src/app.js";
import type { LaunchConfiguration } from "../../../src/core/model/group.js";
import type { AccountId, GroupId } from "../../../src/core/model/ids.js";
import { groupSpec, placed } from "../../supervisor/asks.js";
import { type Bed, openBed } from "../bed.js";
import { caller, colo, startMuster } from "../muster.js";
import { accounts } from "../nova-harness.js";

const key = { account: "acme" as AccountId, group: "check-web" as GroupId };

describe("a check of groups, against the real Nova", { timeout: 300_000 }, () => {
  let bed: Bed;
  let muster: Muster;
  let stop: () => Promise<void>;

  before(async () => {
    bed = await openBed();
    ({ muster, stop } = await startMuster(bed.facts, { name: "check", accounts }));
  });
  after(() => stop());

  async function check(more: Partial<LaunchConfiguration> = {}, max = 5, account = key.account) {
    const launch = {
      ...{ image: bed.facts.image, flavor: "tiny", userData: "", metadata: {} },
      parameters: { networks: [{ uuid: bed.facts.network }] },
      ...more,
    };
    const spec = groupSpec({ launch, placements: [placed(colo, { max })] });
    const { groups } = muster.supervisor;
    const { placements } = await groups.check({ key: { ...key, account }, spec }, caller());
    return placements[0]!;
  }

  test("B1.5 B4.7 what is well has no findings, and the quota is Nova's own", async () => {
    for (const account of accounts) {
      const { findings, room } = await check({}, 5, account as AccountId);
      assert.deepEqual(findings, []);
      const { body } = await bed.callers[account].call("compute", "GET", "/limits");
      const { absolute } = body["limits"] as { absolute: Record<string, number> };
      const free = absolute["maxTotalInstances"]! - absolute["totalInstancesUsed"]!;
      assert.ok(room && room.servers > 0 && room.servers <= free, JSON.stringify(room));
      const short = await check({}, room.servers + 50, account as AccountId);
      assert.deepEqual(
        short.findings.map(({ severity, cause }) => [severity, cause.code]),
        [["warning", "QUOTA_SHORT"]],
      );
    }
  });

  test("B1.5 image, flavors, zone and network that are not there are named by their fields", async () => {
    const uuid = randomUUID();
    const { findings } = await check({
      ...{ image: uuid, fallbackFlavors: ["small", "no-such-flavor"] },
      availabilityZones: ["no-such-zone"],
      parameters: { networks: [{ uuid }], key_name: "no-such-key" },
    });
    assert.deepEqual(findings.map(({ severity, field }) => `${severity} ${field}`).toSorted(), [
      "problem launch_configuration.availability_zones[0]",
      "problem launch_configuration.fallback_flavors[1]",
      "problem launch_configuration.image",
      "problem launch_configuration.parameters.key_name",
      "problem launch_configuration.parameters.networks[0].uuid",
    ]);
  });

  test("B9.7 an account without credentials cannot work there, and nothing else is claimed", async () => {
    const { findings } = await check({}, 5, "nobody" as AccountId);
    const [first, ...rest] = findings;
    assert.deepEqual([first?.severity, first?.cause.code], ["problem", "CREDENTIALS_DENIED"]);
    assert.ok(rest.length > 0 && rest.every(({ severity }) => severity === "unknown"));
  });
});
