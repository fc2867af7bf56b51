import { setTimeout as sleep } from "node:timers/promises";
import type { Caller } from "./caller.js";

export interface Balancer {
  readonly loadBalancerId: string;
  readonly poolId: string;
}

const lookMs = 500;
const settleMsMax = 60_000;
const balancersPath = "/v2.0/lbaas/loadbalancers";

/** Makes a load balancer with a listener on port 80 and an empty pool, and waits until it is ready. */
export async function makeBalancer(
  caller: Caller,
  { name, subnet }: { readonly name: string; readonly subnet: string },
): Promise<Balancer> {
  const make = async (kind: string, body: object) => {
    const path = `/v2.0/lbaas/${kind}s`;
    const answer = await caller.call("loadBalancer", "POST", path, { [kind]: { name, ...body } });
    if (answer.status !== 201) throw new Error(`no ${kind}: ${answer.status} ${answer.text}`);
    return (answer.body[kind] as { readonly id: string }).id;
  };
  const loadBalancerId = await make("loadbalancer", { vip_subnet_id: subnet });
  await settled(caller, loadBalancerId);
  const kind = { protocol: "HTTP" };
  const listener = { ...kind, loadbalancer_id: loadBalancerId, protocol_port: 80 };
  const listenerId = await make("listener", listener);
  await settled(caller, loadBalancerId);
  const pool = { ...kind, listener_id: listenerId, lb_algorithm: "ROUND_ROBIN" };
  const poolId = await make("pool", pool);
  await settled(caller, loadBalancerId);
  return { loadBalancerId, poolId };
}

/** Deletes a load balancer with all that belongs to it, and waits until it is gone. */
export async function removeBalancer(caller: Caller, loadBalancerId: string): Promise<void> {
  await settled(caller, loadBalancerId);
  const path = `${balancersPath}/${loadBalancerId}?cascade=true`;
  const answer = await caller.call("loadBalancer", "DELETE", path);
  if (answer.status !== 204) throw new Error(`not deleted: ${answer.status} ${answer.text}`);
  await settled(caller, loadBalancerId);
}

/** Waits until it is ready for its next change, or gone: Octavia takes one change at a time. */
async function settled(caller: Caller, loadBalancerId: string): Promise<void> {
  const end = performance.now() + settleMsMax;
  for (;;) {
    const path = `${balancersPath}/${loadBalancerId}`;
    const { status, body } = await caller.call("loadBalancer", "GET", path);
    if (status === 404) return;
    const one = body["loadbalancer"] as { readonly provisioning_status: string } | undefined;
    if (one?.provisioning_status === "ACTIVE") return;
    const state = one?.provisioning_status ?? status;
    if (state === "ERROR" || performance.now() > end)
      throw new Error(`load balancer ${loadBalancerId} is ${state}`);
    await sleep(lookMs);
  }
}
