import { randomUUID } from "node:crypto";
import type { LoadBalancerDriver } from "../../src/core/ports/load-balancer.js";
import octavia from "../../src/drivers/lb-octavia/index.js";
import { createHost } from "../drivers/lb-helpers.js";
import type { Bed } from "./bed.js";
import { secretsOf } from "./nova-harness.js";

/** By which the bed's faults tell this process's calls from others'. */
export const octaviaAgent = `octavia-${randomUUID()}`;

/** The driver, with the bed's accounts. */
export function openOctavia({ facts }: Bed): Promise<LoadBalancerDriver> {
  const { authUrl, region } = facts;
  const secrets = secretsOf(facts);
  const credentials = { of: async (account: string) => secrets.get(account) };
  const host = { ...createHost(""), installation: octaviaAgent, credentials };
  return octavia.open({ authUrl, region }, host);
}
