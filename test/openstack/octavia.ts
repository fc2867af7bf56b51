import type { CredentialSource } from "../../src/core/ports/credentials.js";
import type { LoadBalancerDriver } from "../../src/core/ports/load-balancer.js";
import octavia from "../../src/drivers/lb-octavia/index.js";
import { createHost } from "../drivers/lb-helpers.js";
import type { Bed } from "./bed.js";

/** The driver, with the bed's accounts. */
export function openOctavia({ facts }: Bed): Promise<LoadBalancerDriver> {
  const { authUrl, region, accounts } = facts;
  const credentials: CredentialSource = {
    async of(account) {
      const { projectId: _, ...secret } = accounts[account as keyof typeof accounts];
      return { revision: "1", secret };
    },
  };
  return octavia.open({ authUrl, region }, { ...createHost(""), credentials });
}
