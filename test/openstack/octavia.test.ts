import { after, before, describe } from "node:test";
import { loadBalancerDriverContract } from "../contract/load-balancer-driver.contract.js";
import { makeBalancer, removeBalancer } from "./balancers.js";
import { type Bed, openBed } from "./bed.js";
import { openOctavia } from "./octavia.js";
import { createPools, type Pools } from "./pools.js";

describe("octavia", { timeout: 600_000 }, () => {
  let bed: Bed;
  let balancer: string;
  let pools: Pools;
  before(async () => {
    bed = await openBed();
    const asked = { name: "muster-octavia", subnet: bed.facts.subnet };
    balancer = (await makeBalancer(bed.callers.acme, asked)).loadBalancerId;
    pools = createPools(bed.callers.acme, balancer);
  });
  after(() => removeBalancer(bed.callers.acme, balancer));

  loadBalancerDriverContract("octavia", {
    async open() {
      const pool = await pools.make("contract");
      const driver = await openOctavia(bed);
      return {
        ...{ driver, loadBalancer: pool, account: "acme", putsOff: true, manyMembers: 24 },
        async reopen() {
          await driver.close();
          return openOctavia(bed);
        },
        addForeign: (address, port) =>
          pools.addMember(pool, { address, protocol_port: port, name: "theirs" }),
        async close() {
          await driver.close();
          await pools.remove(pool);
        },
      };
    },
  });
});
