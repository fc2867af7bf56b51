import type { Cause } from "../model/cause.js";
import type { OperationClass } from "../model/colo.js";

/**
 * What must never be, whatever strikes (docs/invariants.md). The ids are stable: events, metrics,
 * the simulation and people name them.
 */
export const promises = {
  I1: "every server that carries our tags is in the ledger, or reported in time",
  I2: "no server is deleted without both witnesses: its tags, and the ledger's intention",
  I3: "no create is committed beyond the target and the surge, open intentions included",
  I4: "the target stays within the limits that hold",
  I5: "an intention becomes one server, or its surplus is gone or reported in time",
  I6: "every accepted scale event ends in exactly one receipt",
  I7: "the events of a placement count 1, 2, 3, … without a gap",
  I8: "what a kill switch or a pause stops does not begin",
  I9: "calls to a cloud never exceed its allowance",
  I10: "every wait ends by its deadline, or is reported",
  I11: "a server's life goes forward only, and what is not ours is never touched",
  I12: "a rebuild takes out no server whose place nobody has taken",
} as const;

export type InvariantId = keyof typeof promises;

/** One finding. */
export interface Violation {
  readonly invariant: InvariantId;
  /** The rule of behaviour.md that is broken. */
  readonly rule: string;
  /** The same finding has the same key, whoever finds it and however often. */
  readonly key: string;
  readonly facts: Cause["facts"];
  /** Concerns the whole colo: the class of calls to stop there. Undefined: the placement alone. */
  readonly coloWide?: OperationClass;
}

/** `key` names what the finding is about; the invariant goes before it. */
export function violation(
  invariant: InvariantId,
  rule: string,
  key: string,
  facts: Cause["facts"],
): Violation {
  return { invariant, rule, key: `${invariant}:${key}`, facts };
}
