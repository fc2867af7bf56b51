import type { AccountId } from "../../src/core/model/ids.js";
import type { Bed } from "../../test/openstack/bed.js";
import { createTenant, secretsOf } from "../../test/openstack/nova-harness.js";
import type { BenchCloud } from "./cloud.js";

const account = "acme" as AccountId;
/** Muster's own default. */
const pollMs = 2_000;

/** The real Nova of a test bed; servers have a fixed address each. */
export function openNova(bed: Bed): BenchCloud {
  const { authUrl, region, image, flavors, network } = bed.facts;
  const { secret } = secretsOf(bed.facts).get(account)!;
  return {
    account,
    secret,
    launch: {
      ...{ image, flavor: flavors.tiny, userData: "", metadata: {} },
      parameters: { networks: [{ uuid: network }] },
    },
    createsAtOnce: 16,
    pollMs,
    colo: { cloud: { use: "builtin:openstack", options: { authUrl, region } }, pollMs },
    async openDriver() {
      const tenant = createTenant(bed);
      const { installation } = tenant.host;
      return { driver: await tenant.openDriver(), installation };
    },
  };
}
