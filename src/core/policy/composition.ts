import {
  awaitAlert,
  awaitUnanswered,
  awaitValue,
  type Check,
  mergeRepeat,
  refuseCooling,
  refuseDeleting,
  refuseGonePolicy,
  refusePaused,
} from "./checks.js";
import { forecastFlap, holdAnomaly, limitRate, stabilise } from "./guards.js";
import type { Shape } from "./shape.js";
import { weighOthers } from "./together.js";
import { keepLimits } from "./within-limits.js";

/** A stage ends the decision (`check`), or changes what is wanted (`shape`). */
export type Stage = {
  readonly rule: string;
  readonly name: string;
  /** Whether force passes it (B2.7). */
  readonly passedByForce: boolean;
} & (
  | { readonly check: Check }
  | {
      readonly shape: Shape;
      /** What became of the event where it leaves nothing to do. */
      readonly leavesNothing: "held" | "noChange";
    }
);

const guard = { passedByForce: true, leavesNothing: "held" } as const;

/**
 * The order of composition (B3.5), the same as in docs/policies.md. Idempotency and permission are
 * asked before, brakes after it.
 */
export const composition: readonly Stage[] = [
  { rule: "B8.4", name: "deleting", check: refuseDeleting, passedByForce: false },
  { rule: "B2.1", name: "policy", check: refuseGonePolicy, passedByForce: false },
  { rule: "B8.3", name: "pause", check: refusePaused, passedByForce: false },
  { rule: "B3.1", name: "debounce", check: mergeRepeat, passedByForce: true },
  { rule: "B3.2", name: "alert and hold", check: awaitAlert, passedByForce: false },
  { rule: "B3.4", name: "missing data", check: awaitValue, passedByForce: false },
  { rule: "B2.5", name: "cooldowns", check: refuseCooling, passedByForce: true },
  { rule: "B2.6", name: "no windup", check: awaitUnanswered, passedByForce: false },
  { rule: "B3.5", name: "several policies", shape: weighOthers, ...guard },
  { rule: "B3.6", name: "stabilisation", shape: stabilise, ...guard },
  { rule: "B3.6", name: "flap forecast", shape: forecastFlap, ...guard },
  { rule: "B3.5", name: "rate limit", shape: limitRate, ...guard },
  { rule: "B3.5", name: "demand anomaly", shape: holdAnomaly, ...guard },
  {
    ...{ rule: "B2.4", name: "limits", shape: keepLimits, passedByForce: false },
    leavesNothing: "noChange",
  },
];
