import { defineLoadBalancerDriver, driverApiVersion } from "../../core/ports/driver.js";
import { diagnoseProxy } from "./diagnose.js";
import { type ProxyOptions, proxyOptionsSchema } from "./options.js";
import { openProxyDriver } from "./proxy-driver.js";

/** The embedded default: TCP load balancers inside Muster's own process. */
export default defineLoadBalancerDriver<ProxyOptions>({
  name: "proxy",
  apiVersion: driverApiVersion,
  optionsSchema: proxyOptionsSchema,
  diagnose: diagnoseProxy,
  open: openProxyDriver,
});
