import { type Side, sideOf } from "../model/breach-steps.js";
import { cause } from "../model/cause.js";
import type { BreachStep, StepsAction } from "../model/policy.js";
import { compare, type Decimal, exactly, plus } from "./decimal.js";
import { fixedWish, type Wish, type WishInput } from "./fixed-wish.js";
import { measuredOf, reachedValue } from "./measured.js";

const rule = "B2.1";

/** Acts by the size of the breach (B2.1), which is that of the value that enough keys reach. */
export function stepWish(action: StepsAction, { nowMs, from, alert, marks }: WishInput): Wish {
  const { threshold } = action;
  const side = sideOf(action.steps);
  const farthest = side === "above" ? "highest" : "lowest";
  const value = reachedValue(measuredOf(marks, alert, nowMs), alert, farthest);
  if (value === undefined) {
    const why = cause("B3.4", "VALUE_MISSING", { threshold });
    return { wanted: from, rule, isRelative: false, why, isMissing: true };
  }
  const step = action.steps.find((one) => contains(one, { value, threshold, side }));
  const numbers = { value, threshold };
  if (step === undefined)
    return { wanted: from, rule, isRelative: false, why: cause(rule, "NO_STEP", numbers) };
  const { lower = "", upper = "" } = step;
  return {
    ...fixedWish(step.action, from),
    why: cause(rule, "STEP", { ...numbers, step: `${lower}…${upper}` }),
  };
}

/** A bound belongs to the step that lies farther from the threshold; the threshold to the first. */
function contains(
  { lower, upper }: BreachStep,
  at: { readonly value: number; readonly threshold: number; readonly side: Side },
): boolean {
  const value = exactly(at.value);
  const overLower = lower === undefined ? 1 : compare(value, boundOf(at.threshold, lower));
  const overUpper = upper === undefined ? -1 : compare(value, boundOf(at.threshold, upper));
  return at.side === "above" ? overLower >= 0 && overUpper < 0 : overLower > 0 && overUpper <= 0;
}

function boundOf(threshold: number, relative: number): Decimal {
  return plus(exactly(threshold), exactly(relative));
}
