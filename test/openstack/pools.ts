import { setTimeout as sleep } from "node:timers/promises";
import type { LoadBalancerId } from "../../src/core/model/ids.js";
import type { Caller } from "./caller.js";

export interface OctaviaMember {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly protocol_port: number;
  readonly weight: number;
  readonly backup: boolean;
  readonly monitor_port: number | null;
  readonly tags: readonly string[];
  readonly provisioning_status: string;
}

/** Raw calls for pools of one load balancer, past Muster: each waits until it may. */
export interface Pools {
  make(name: string): Promise<LoadBalancerId>;
  /** Waits until it is gone. */
  remove(pool: LoadBalancerId): Promise<void>;
  addMonitor(pool: LoadBalancerId): Promise<void>;
  addMember(pool: LoadBalancerId, member: Readonly<Record<string, unknown>>): Promise<void>;
  updateMember(pool: LoadBalancerId, id: string, change: object): Promise<void>;
  members(pool: LoadBalancerId): Promise<readonly OctaviaMember[]>;
}

const lookMs = 300;
const busyMsMax = 60_000;

export function createPools(caller: Caller, loadBalancer: string): Pools {
  /** Octavia takes one change of a load balancer at a time, and refuses others meanwhile. */
  async function change(method: string, path: string, body?: unknown) {
    const end = performance.now() + busyMsMax;
    for (;;) {
      const answer = await caller.call("loadBalancer", method, `/v2/lbaas${path}`, body);
      if (answer.status < 300) return answer;
      if (answer.status !== 409 || performance.now() > end)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      await sleep(lookMs);
    }
  }

  return {
    async make(name) {
      const kind = { protocol: "HTTP", lb_algorithm: "ROUND_ROBIN" };
      const pool = { name, ...kind, loadbalancer_id: loadBalancer };
      const { body } = await change("POST", "/pools", { pool });
      return (body["pool"] as { readonly id: LoadBalancerId }).id;
    },
    async remove(pool) {
      const path = `/pools/${pool}`;
      await change("DELETE", path);
      const isThere = async () =>
        (await caller.call("loadBalancer", "GET", `/v2/lbaas${path}`)).status !== 404;
      while (await isThere()) await sleep(lookMs);
    },
    async addMonitor(pool) {
      const times = { delay: 5, timeout: 2, max_retries: 2 };
      const healthmonitor = { pool_id: pool, type: "TCP", ...times };
      await change("POST", "/healthmonitors", { healthmonitor });
    },
    async addMember(pool, member) {
      await change("POST", `/pools/${pool}/members`, { member });
    },
    async updateMember(pool, id, member) {
      await change("PUT", `/pools/${pool}/members/${id}`, { member });
    },
    async members(pool) {
      const path = `/v2/lbaas/pools/${pool}/members`;
      const { body } = await caller.call("loadBalancer", "GET", path);
      return body["members"] as readonly OctaviaMember[];
    },
  };
}
