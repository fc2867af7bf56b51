import { defineLoadBalancerDriver, driverApiVersion } from "../../core/ports/driver.js";
import { createOpenstack } from "../openstack/client.js";
import { type CloudNeeds, diagnoseOpenstack } from "../openstack/diagnose.js";
import { type OpenstackOptions, openstackOptionsSchema } from "../openstack/options.js";
import { openstackCredentialsSchema } from "../openstack/secret.js";
import { createOctaviaDriver } from "./octavia-driver.js";

const needs: CloudNeeds = { services: ["load-balancer"], microversions: [] };

/** OpenStack's Octavia. Whether it can be reached shows with the first call. */
export default defineLoadBalancerDriver<OpenstackOptions>({
  name: "octavia",
  apiVersion: driverApiVersion,
  optionsSchema: openstackOptionsSchema,
  credentialsSchema: openstackCredentialsSchema,
  diagnose: (options, host, call) => diagnoseOpenstack(needs, options, host, call),
  async open(options, host) {
    const { clock, ids } = host;
    return createOctaviaDriver({ openstack: await createOpenstack(options, host), clock, ids });
  },
});
