import type { Cause } from "./cause.js";
import type { MusterEvent } from "./event.js";
import type { ColoId, EventId } from "./ids.js";
import type { ConditionType } from "./placement.js";

/** An event with what followed from it: from its arrival to its last consequence (B2.9, B4.9). */
export interface Explanation {
  /** The event that was asked about. */
  readonly event: EventId;
  /** The tree, depth first: the root, then what follows from it, in order of time. */
  readonly nodes: readonly ExplainedEvent[];
  readonly figures: ExplainedFigures;
  /** What keeps the rest waiting right now; empty once nothing of it is left to do. */
  readonly waits: readonly ExplainedWait[];
  /** A later event that has moved the target since. */
  readonly supersededBy?: EventId;
  /** The same in sentences. */
  readonly summary: readonly string[];
  /** Not all of it: there is more than an explanation may hold. */
  readonly cut: boolean;
  /** What the root follows from is older than the history. */
  readonly rootLost: boolean;
  /** The history lags: the newest consequences may be missing. */
  readonly lagging: boolean;
}

/** A node's parent is the last node before it that is one less deep. */
export interface ExplainedEvent {
  readonly event: MusterEvent;
  /** 0 for the root. */
  readonly depth: number;
}

/** Servers of the tree, and times since its root. Undefined: it has not come to that. */
export interface ExplainedFigures {
  readonly wanted: number;
  readonly inService: number;
  readonly failed: number;
  readonly lost: number;
  readonly left: number;
  readonly gone: number;
  readonly firstInServiceAfterMs?: number;
  readonly lastInServiceAfterMs?: number;
  readonly lastGoneAfterMs?: number;
}

export interface ExplainedWait {
  readonly colo: ColoId;
  /** The condition that shows it. `converged`: it does not hold yet. */
  readonly condition: ConditionType;
  readonly cause: Cause;
  readonly sinceMs: number;
  /** When it ends by itself, where that is known. */
  readonly untilMs?: number;
}
