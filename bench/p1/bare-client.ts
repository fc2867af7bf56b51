import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { CloudServerId } from "../../src/core/model/ids.js";
import type { CloudServer } from "../../src/core/model/server.js";
import { benchCaller } from "../lib/muster.js";
import { type BenchCloud, type Scaler, scaleMsMax } from "./cloud.js";

const { signal } = benchCaller;
const call = { signal };

/**
 * A bare client: so many calls in parallel by the same driver that Muster uses, then a listing
 * every so often until all servers are ACTIVE, or gone.
 */
export async function openBare(cloud: BenchCloud): Promise<Scaler> {
  const { account, launch, createsAtOnce, pollMs } = cloud;
  const { driver, installation } = await cloud.openDriver();
  // Whoever makes a group has this done as well: names are looked up, and connections stand.
  const problems = await driver.checkLaunch({ account, launch }, call);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const made: CloudServerId[] = [];
  let named = 0;

  async function create(): Promise<void> {
    const server = `bench-bare-${named++}`;
    const tags = { installation, account, group: "bare", colo: "iad", server, launchRevision: 1 };
    const request = { account, name: server, launch, ownership: tags };
    made.push((await driver.createServer(request, call)).id);
  }

  async function list(): Promise<readonly CloudServer[]> {
    const servers: CloudServer[] = [];
    for (let cursor: string | undefined, more = true; more; ) {
      const request = { account, installation, ...(cursor === undefined ? {} : { cursor }) };
      const page = await driver.listServers(request, call);
      servers.push(...page.servers);
      cursor = page.next;
      more = cursor !== undefined;
    }
    return servers;
  }

  return {
    async scale(target) {
      const startMs = performance.now();
      const missing = Math.max(0, target - made.length);
      await inParallel(Array(missing).fill(create), createsAtOnce);
      const surplus = made.splice(target);
      const deletes = surplus.map((id) => () => driver.deleteServer({ account, id }, call));
      await inParallel(deletes, createsAtOnce);
      for (;;) {
        const servers = await list();
        const active = servers.filter((one) => one.status === "ACTIVE").length;
        if (active === target && servers.length === target) return performance.now() - startMs;
        if (performance.now() - startMs > scaleMsMax)
          throw new Error(`the bare client has ${active} of ${target} servers`);
        await sleep(pollMs);
      }
    },
    close: () => driver.close(),
  };
}

async function inParallel(calls: (() => Promise<unknown>)[], atOnce: number): Promise<void> {
  const worker = async () => {
    for (let one = calls.shift(); one; one = calls.shift()) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
