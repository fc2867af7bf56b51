/** What the author of a driver runs against it: `muster/contract`. */
export {
  type CloudHarness,
  type CloudUnderTest,
  cloudDriverContract,
  type InjectedFault,
} from "./cloud-driver.contract.js";
export { type JournalBench, type JournalHarness, journalContract } from "./journal.contract.js";
export { type Backend, startTcpBackend } from "./load-balancer-backend.js";
export type { LoadBalancerSubject } from "./load-balancer-bench.js";
export {
  type LoadBalancerHarness,
  loadBalancerDriverContract,
} from "./load-balancer-driver.contract.js";
export { type StoreHarness, storeContract } from "./store.contract.js";
