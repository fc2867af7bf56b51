import { defineCloudDriver, driverApiVersion } from "../../core/ports/driver.js";
import { createOpenstack } from "../openstack/client.js";
import { type CloudNeeds, diagnoseOpenstack } from "../openstack/diagnose.js";
import { type OpenstackOptions, openstackOptionsSchema } from "../openstack/options.js";
import { openstackCredentialsSchema } from "../openstack/secret.js";
import { createNovaDriver } from "./nova-driver.js";
import { microversion, personalityMicroversion } from "./server-body.js";

export interface NovaOptions extends OpenstackOptions {
  /** Servers asked for in one page; default 500. The cloud may give fewer. */
  readonly pageServersMax?: number;
}

const needs: CloudNeeds = {
  services: ["compute", "image", "network"],
  microversions: [personalityMicroversion, microversion],
};

/** OpenStack's Nova. Whether it can be reached shows with the first call. */
export default defineCloudDriver<NovaOptions>({
  name: "openstack",
  apiVersion: driverApiVersion,
  optionsSchema: {
    ...openstackOptionsSchema,
    properties: {
      ...openstackOptionsSchema.properties,
      pageServersMax: {
        type: "integer",
        minimum: 1,
        maximum: 1_000,
        description: "Servers asked for in one page.",
      },
    },
  },
  credentialsSchema: openstackCredentialsSchema,
  diagnose: (options, host, call) => diagnoseOpenstack(needs, options, host, call),
  async open({ pageServersMax = 500, ...options }, host) {
    const openstack = await createOpenstack(options, host);
    return createNovaDriver({ openstack, host, pageServersMax });
  },
});
