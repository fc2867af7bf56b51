import type { Cause } from "./cause.js";
import type { EventId } from "./ids.js";
import type { Outcome, Receipt, ScaleEvent } from "./scale-event.js";

/** Something that asks for a change of the target, for a simulation. */
export type SimulatedEvent = Pick<ScaleEvent, "atMs" | "source" | "ask" | "force"> & {
  /**
   * The reported value was measured while so many servers shared the load: with more of them it
   * would have been less. Absent: it stays as it is.
   */
  readonly ofServers?: number;
};

/** A decision of a simulation: a receipt, with what it is the answer to. */
export interface SimulatedDecision {
  readonly event: Pick<ScaleEvent, "id" | "source" | "ask" | "occurrence">;
  readonly receipt: Receipt;
}

/** What a group would have from then on, until the next point. */
export interface CapacityPoint {
  readonly atMs: number;
  readonly desired: number;
  readonly inService: number;
}

/** How often events came to nothing more, by their first reason. */
export interface OutcomeCount {
  readonly outcome: Exclude<Outcome, "applied">;
  readonly rule: Cause["rule"];
  readonly code: Cause["code"];
  /** The policy that was asked; undefined: none was. */
  readonly policy?: string;
  readonly count: number;
}

export interface Simulation {
  readonly capacity: readonly CapacityPoint[];
  /** In order; the first so many, with at least all that moved the target among those. */
  readonly decisions: readonly SimulatedDecision[];
  readonly decisionsCount: number;
  readonly outcomes: readonly OutcomeCount[];
  /** From the intention of each server to its end, summed. */
  readonly serverMs: number;
}

/** Ids of a simulation's events tell that they are none of the history's. */
export function simulatedId(serial: number): EventId {
  return `simulated-${String(serial).padStart(6, "0")}` as EventId;
}
