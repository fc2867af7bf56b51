import type { Cause } from "../model/cause.js";
import type { PolicyId } from "../model/ids.js";
import type { DemandHold } from "../model/placement.js";
import type { Case } from "./case.js";

/** What a stage makes of what is wanted: less of a change, never one the other way (B2.7). */
export interface Shaped {
  readonly wanted: number;
  readonly causes: readonly Cause[];
  /** When more of it may pass. */
  readonly retryAtMs?: number;
  /** Another policy whose wish this is now. */
  readonly joined?: PolicyId;
  /** From when on the group's scaling in waits. */
  readonly demandHold?: DemandHold;
}

/** One of the stages that may change what is wanted; undefined lets it pass as it is. */
export type Shape = (one: Case) => Shaped | undefined;
