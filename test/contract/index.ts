/** What the author of a driver runs against it: `muster/contract`. */
export {
  type CloudHarness,
  type CloudUnderTest,
  cloudDriverContract,
  type InjectedFault,
} from "./cloud-driver.contract.js";
