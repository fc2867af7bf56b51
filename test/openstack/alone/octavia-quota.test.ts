import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { OutsideFault } from "../../../src/core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../../src/core/model/ids.js";
import type { LoadBalancerDriver } from "../../../src/core/ports/load-balancer.js";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { type Bed, openBed } from "../bed.js";
import { openOctavia } from "../octavia.js";
import { createPools, type Pools } from "../pools.js";

const call = { signal: AbortSignal.timeout(300_000) };
const account = "acme";

describe("a project's quota of members, at the real Octavia", () => {
  let bed: Bed;
  let balancer: string;
  let pools: Pools;
  let pool: LoadBalancerId;
  let driver: LoadBalancerDriver;

  before(async () => {
    bed = await openBed();
    const asked = { name: "muster-octavia-quota", subnet: bed.facts.subnet };
    balancer = (await makeBalancer(bed.callers.acme, asked)).loadBalancerId;
    pools = createPools(bed.callers.acme, balancer);
    pool = await pools.make("quota");
    driver = await openOctavia(bed);
  });
  after(async () => {
    await driver.close();
    await pools.remove(pool);
    await removeBalancer(bed.callers.acme, balancer);
  });

  test("B5.4 a quota that is used up is told apart from the rate of calls", async () => {
    const path = `/v2/lbaas/quotas/${bed.facts.accounts.acme.projectId}`;
    const put = { kind: "put", host: "192.0.2.1", port: 80, weight: 1, draining: false } as const;
    const change = () => driver.changeMembers({ account, id: pool }, [put], call);
    await bed.callers.admin.call("loadBalancer", "PUT", path, { quota: { member: 0 } });
    try {
      await assert.rejects(
        change(),
        (error) => error instanceof OutsideFault && error.kind === "quota",
      );
    } finally {
      await bed.callers.admin.call("loadBalancer", "DELETE", path);
    }
    assert.deepEqual(await pools.members(pool), []);
    await change();
    assert.equal((await pools.members(pool)).length, 1);
  });
});
