import { cause } from "../model/cause.js";
import type { TrackingAction } from "../model/policy.js";
import { ceilOfRatio, compare, type Decimal, exactly, plus, times } from "./decimal.js";
import type { Wish, WishInput } from "./fixed-wish.js";
import { measuredOf } from "./measured.js";
import { count } from "./numbers.js";

const rule = "B2.1";

/**
 * The servers that bring the metric to its target, if the load stays and all share it: base × mean
 * ÷ target, rounded up, exactly (B2.1). Where that is fewer, keys without a value count as being at
 * the target: missing data never scales in (B3.4). From no servers at all any load asks for one.
 */
export function trackingWish(action: TrackingAction, input: WishInput): Wish {
  const { nowMs, from, alert, marks } = input;
  const { metric, target } = action;
  const { values: given, silent } = measuredOf(marks, alert, nowMs);
  // A metric that is shared by all servers and grows with load is never below 0.
  const values = given.filter((value) => value >= 0);
  const told = { metric, targetValue: target };
  if (values.length === 0 || !(target > 0)) {
    const why = cause("B3.4", "VALUE_MISSING", told);
    return { wanted: from, rule, isRelative: false, why, isMissing: true };
  }
  const live = values.map(exactly).reduce(plus);
  const quiet = silent + given.length - values.length;
  const base = exactly(Math.max(1, from));
  const seen = { sum: live, keys: values.length };
  const isHigh = compare(live, wholly(seen.keys, target)) >= 0;
  const { sum, keys } = isHigh
    ? seen
    : { sum: plus(live, wholly(quiet, target)), keys: seen.keys + quiet };
  const value = Number((meanOf(values) || 0).toPrecision(6));
  const numbers = { ...told, value, keys: values.length, ...(quiet > 0 ? { silent: quiet } : {}) };
  if (from > 0 && isNear(sum, wholly(keys, target), action.tolerancePartsPerMillion)) {
    const tolerance = action.tolerancePartsPerMillion / 1_000_000;
    const why = cause(rule, "WITHIN_TOLERANCE", { ...numbers, tolerance });
    return { wanted: from, rule, isRelative: true, why };
  }
  const wanted = count(ceilOfRatio(times(base, sum), wholly(keys, target)));
  return { wanted, rule, isRelative: true, why: cause(rule, "MEASURED", { ...numbers, wanted }) };
}

function wholly(keys: number, target: number): Decimal {
  return times(exactly(keys), exactly(target));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value / values.length, 0);
}

/** |sum ÷ wanted − 1| ≤ tolerance, without dividing. */
function isNear(sum: Decimal, wanted: Decimal, tolerancePartsPerMillion: number): boolean {
  const million = exactly(1_000_000);
  const scaled = times(sum, million);
  const from = times(wanted, exactly(1_000_000 - tolerancePartsPerMillion));
  const to = times(wanted, exactly(1_000_000 + tolerancePartsPerMillion));
  return compare(scaled, from) >= 0 && compare(scaled, to) <= 0;
}
