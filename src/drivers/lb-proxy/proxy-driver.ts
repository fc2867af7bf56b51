import type { AddressInfo } from "node:net";
import { Fault } from "../../core/errors/fault.js";
import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { LoadBalancerId } from "../../core/model/ids.js";
import type { DriverHost } from "../../core/ports/driver.js";
import type { LoadBalancerDriver } from "../../core/ports/load-balancer.js";
import { type Balancer, createBalancer } from "./balancer.js";
import type { ProxyOptions } from "./options.js";

export interface ProxyDriver extends LoadBalancerDriver {
  /** Where the load balancer listens: for those who let the system choose the port. */
  addressOf(loadBalancer: LoadBalancerId): AddressInfo;
}

/**
 * TCP load balancers inside this process. Removing a member breaks its connections off: who wants
 * them spared drains it first. @throws Fault `DRIVER_REFUSED` when it cannot listen
 */
export async function openProxyDriver(
  options: ProxyOptions,
  host: DriverHost,
): Promise<ProxyDriver> {
  const entries = Object.entries(options.loadBalancers);
  const checksHealth = entries.some(([, balancer]) => balancer.healthCheck !== undefined);
  // Where some are checked, "healthy" is waited for; a member that nobody checks must not wait.
  const unknownIs = checksHealth ? "healthy" : "unknown";
  const balancers = new Map(
    entries.map(([id, one]) => [id, createBalancer({ id, options: one, unknownIs, host })]),
  );
  const close = async () => {
    await Promise.all(Array.from(balancers.values(), (balancer) => balancer.close()));
  };
  const opened = await Promise.allSettled(Array.from(balancers, openNamed));
  const failed = opened.find((result) => result.status === "rejected");
  if (failed) {
    await close();
    throw failed.reason;
  }

  const balancerOf = (id: LoadBalancerId): Balancer => {
    const balancer = balancers.get(id);
    if (!balancer) throw new OutsideFault("notFound", `proxy has no load balancer ${id}`);
    return balancer;
  };

  return {
    capabilities: { checksHealth, countsConnections: true },
    async listMembers({ id }, { signal }) {
      if (signal.aborted) throw new OutsideFault("temporary", "the call was aborted");
      return balancerOf(id).members();
    },
    async changeMembers({ id }, changes, { signal }) {
      await balancerOf(id).change(changes, signal);
    },
    addressOf: (id) => balancerOf(id).address(),
    close,
  };
}

async function openNamed([id, balancer]: readonly [string, Balancer]): Promise<void> {
  try {
    await balancer.open();
  } catch (cause) {
    const say = `proxy load balancer ${id} cannot start: ${String(cause)}`;
    throw new Fault("DRIVER_REFUSED", { say, cause });
  }
}
