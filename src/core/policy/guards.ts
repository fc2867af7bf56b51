import { sideOf } from "../model/breach-steps.js";
import { cause } from "../model/cause.js";
import type { Policy } from "../model/policy.js";
import type { Case } from "./case.js";
import { exactly, floorOfRatio, times } from "./decimal.js";
import { ownAlertMarks } from "./marks.js";
import { measuredOf, reachedValue } from "./measured.js";
import { anomalyHoldMs, highestWithin } from "./recommended.js";
import { countedRemovals, removableOf } from "./removals.js";
import type { Shape, Shaped } from "./shape.js";

/**
 * Scale-in guards (B3.5, B3.6): each gives the fewest servers that may be left now. None is asked
 * about scaling out, and none asks for more than there are.
 */
function atLeast(one: Case, servers: number, shaped: Omit<Shaped, "wanted">): ReturnType<Shape> {
  return servers <= one.wanted ? undefined : { ...shaped, wanted: Math.min(one.from, servers) };
}

/** Monitors may be wrong about demand; people and schedules know what they want. */
function isByMonitor({ via, direction }: Case): boolean {
  return via !== "ask" && direction === "in";
}

/** Target tracking goes no lower than its highest recommendation within the window (B3.6). */
export const stabilise: Shape = (one) => {
  const { policy, policyMarks, input } = one;
  if (policy?.action.kind !== "tracking" || !isByMonitor(one)) return undefined;
  const { stabilisationMs: windowMs } = policy.action;
  const { recommended } = policyMarks;
  const { nowMs } = input;
  const sinceMs = recommended?.sinceMs ?? nowMs;
  const dataForMs = Math.max(0, nowMs - sinceMs);
  if (dataForMs < windowMs) {
    const why = cause("B3.6", "STABILISING_FIRST", { windowMs, dataForMs });
    return atLeast(one, one.from, { causes: [why], retryAtMs: sinceMs + windowMs });
  }
  const highest = recommended && highestWithin(recommended, { nowMs, withinMs: windowMs });
  if (highest === undefined) return undefined;
  const facts = { windowMs, highest: highest.servers, agoMs: nowMs - highest.atMs };
  return atLeast(one, highest.servers, {
    causes: [cause("B3.6", "STABILISING", facts)],
    retryAtMs: highest.atMs + windowMs,
  });
};

/**
 * With fewer servers each has more to do: none may go whose going would, by estimate, take another
 * policy's value to its threshold and have them come back (B3.6).
 */
export const forecastFlap: Shape = (one) => {
  if (!isByMonitor(one)) return undefined;
  const forecasts = one.input.policies.flatMap((policy) => forecastOf(policy, one));
  const worst = forecasts.toSorted((a, b) => b.fewest - a.fewest)[0];
  if (worst === undefined) return undefined;
  const { policy, fewest, value, threshold } = worst;
  const by = value * one.from;
  const estimate = one.wanted > 0 ? Number((by / one.wanted).toPrecision(6)) : "without end";
  const facts = { policy, value, threshold, wanted: one.wanted, estimate, fewest };
  return atLeast(one, fewest, { causes: [cause("B3.6", "FLAP_FORECAST", facts)] });
};

function forecastOf(policy: Policy, { input, from }: Case) {
  const { action, alert, id } = policy;
  if (action.kind !== "steps" || sideOf(action.steps) !== "above") return [];
  const { nowMs } = input;
  const own = ownAlertMarks(input.alertMarks, id, nowMs);
  const value = reachedValue(measuredOf(own, alert, nowMs), alert, "highest");
  const { threshold } = action;
  if (value === undefined || value <= 0 || threshold <= 0) return [];
  // The fewest servers for which value × from ÷ servers is still below the threshold.
  const load = times(exactly(value), exactly(from));
  const fewest = floorOfRatio(load, exactly(threshold)) + 1;
  return [{ policy: id, fewest, value, threshold }];
}

/**
 * The group's own limit on scaling in (B3.5). Like cooldowns it does not refuse targets that are
 * set, nor schedules.
 */
export const limitRate: Shape = (one) => {
  const { event, input, direction, from, marks } = one;
  const limit = input.group.scaleInLimit;
  if (limit === undefined || direction !== "in") return undefined;
  if (event.ask.kind === "target" || event.source === "schedule") return undefined;
  const { nowMs } = input;
  const counted = countedRemovals(marks.groupMarks.removals, limit, nowMs);
  const { most, taken } = removableOf(limit, counted, from);
  const facts = { most, taken, withinMs: limit.withinMs };
  const [oldest] = counted;
  return atLeast(one, from - Math.max(0, most - taken), {
    causes: [cause("B3.5", "SCALE_IN_LIMIT", facts)],
    retryAtMs: oldest === undefined ? nowMs + limit.withinMs : oldest.atMs + limit.withinMs,
  });
};

/** Demand that falls off a cliff, or for many groups at once, is not believed at first (B3.5). */
export const holdAnomaly: Shape = (one) => {
  if (!isByMonitor(one)) return undefined;
  const { policyMarks, input, from } = one;
  const { nowMs, demandDrop } = input;
  const cliff = policyMarks.recommended?.cliff;
  const found = [
    ...(cliff === undefined
      ? []
      : [{ sinceMs: cliff.atMs, facts: { before: cliff.from, now: cliff.to } }]),
    ...(demandDrop === undefined
      ? []
      : [
          {
            sinceMs: demandDrop.sinceMs,
            facts: { groups: demandDrop.groups, ofGroups: demandDrop.ofGroups },
          },
        ]),
  ].filter(({ sinceMs }) => nowMs < sinceMs + anomalyHoldMs);
  const last = found.toSorted((a, b) => b.sinceMs - a.sinceMs)[0];
  if (last === undefined) return undefined;
  const untilMs = last.sinceMs + anomalyHoldMs;
  const why = cause("B3.5", "DEMAND_ANOMALY", { ...last.facts, untilMs });
  const demandHold = { sinceMs: last.sinceMs, untilMs, why };
  return atLeast(one, from, { causes: [why], retryAtMs: untilMs, demandHold });
};
