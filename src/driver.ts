/** What the author of a driver imports: `muster/driver`. */
export { Fault } from "./core/errors/fault.js";
export { OutsideFault, type OutsideFaultKind } from "./core/errors/outside-fault.js";
export type { Diagnosis } from "./core/model/diagnosis.js";
export type { LaunchConfiguration } from "./core/model/group.js";
export type { CloudServerId, LoadBalancerId } from "./core/model/ids.js";
export type { CloudServer, Member, Ownership, ServerAddress } from "./core/model/server.js";
export type { Call } from "./core/ports/call.js";
export type { Clock, Ids, Timer } from "./core/ports/clock.js";
export type * from "./core/ports/cloud.js";
export type * from "./core/ports/credentials.js";
export {
  type BaseHost,
  type DiagnoseCall,
  type DriverDefinition,
  type DriverHost,
  type DriverKind,
  defineCloudDriver,
  defineJournalDriver,
  defineLoadBalancerDriver,
  driverApiVersion,
} from "./core/ports/driver.js";
export * from "./core/ports/journal.js";
export type * from "./core/ports/load-balancer.js";
export type { Log } from "./core/ports/log.js";
