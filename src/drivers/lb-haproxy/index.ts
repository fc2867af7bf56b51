import { defineLoadBalancerDriver, driverApiVersion } from "../../core/ports/driver.js";
import { diagnoseHaproxy } from "./diagnose.js";
import { createHaproxyDriver } from "./haproxy-driver.js";
import { type HaproxyOptions, haproxyOptionsSchema } from "./options.js";

/** HAProxy by its Runtime API. Whether it can be reached shows with the first call. */
export default defineLoadBalancerDriver<HaproxyOptions>({
  name: "haproxy",
  apiVersion: driverApiVersion,
  optionsSchema: haproxyOptionsSchema,
  diagnose: diagnoseHaproxy,
  open: async (options, { clock }) => createHaproxyDriver(options, clock),
});
