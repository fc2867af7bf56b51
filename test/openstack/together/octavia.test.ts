import { after, before, describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { loadBalancerDriverContract } from "../../contract/load-balancer-driver.contract.js";
import { makeBalancer, removeBalancer } from "../balancers.js";
import { type Bed, openBed } from "../bed.js";
import { reportMember } from "../heartbeat.js";
import { openOctavia } from "../octavia.js";
import { createPools, type Pools } from "../pools.js";

describe("octavia", { timeout: 900_000 }, () => {
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
      let heartbeat = async () => {};
      return {
        ...{ driver, loadBalancer: pool, account: "acme", putsOff: true, manyMembers: 8 },
        async reopen() {
          await driver.close();
          return openOctavia(bed);
        },
        async startBackend() {
          await pools.addMonitor(pool);
          const address = "192.0.2.200";
          const report = (status: "ONLINE" | "ERROR") => async () => {
            heartbeat = () => reportMember(bed.facts, { address, status });
          };
          await report("ONLINE")();
          const [up, down] = [report("ONLINE"), report("ERROR")];
          return { host: address, port: 80, up, down, close: async () => {} };
        },
        async pass(ms) {
          await heartbeat();
          await sleep(ms);
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
