import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { CloudDriver } from "../../src/core/ports/cloud.js";
import { benchCaller } from "../lib/muster.js";
import { limits, openCloud } from "./cloud.js";

const account = "bench";
const installation = "bare";
const { signal } = benchCaller;
const call = { signal };
const launch = { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} };

/** So many creates in parallel, then a listing every so often until all are ACTIVE; ms. */
export async function bareMs(servers: number, seed: number): Promise<number> {
  const driver = openCloud(seed).openDriver();
  const startMs = performance.now();
  let next = 0;
  const creator = async () => {
    while (next < servers) {
      const server = `s${next++}`;
      const tags = { installation, account, group: "g", colo: "iad", server, launchRevision: 1 };
      const request = { account, name: server, launch, ownership: tags };
      await driver.createServer(request, call);
    }
  };
  await Promise.all(Array.from({ length: limits.createsAtOnce }, creator));
  while ((await activeCount(driver)) < servers) await sleep(limits.pollMs);
  const tookMs = performance.now() - startMs;
  await driver.close();
  return tookMs;
}

async function activeCount(driver: CloudDriver): Promise<number> {
  let count = 0;
  for (let cursor: string | undefined, more = true; more; ) {
    const request = { account, installation, ...(cursor === undefined ? {} : { cursor }) };
    const page = await driver.listServers(request, call);
    count += page.servers.filter((one) => one.status === "ACTIVE").length;
    cursor = page.next;
    more = cursor !== undefined;
  }
  return count;
}
