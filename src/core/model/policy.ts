import type { PolicyId } from "./ids.js";

/** A stored rule for changing a group's target (B2.1). */
export interface Policy {
  readonly id: PolicyId;
  readonly uid: string;
  readonly generation: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly displayName: string;
  readonly action: PolicyAction;
  readonly cooldownMs: number;
  /** Alerts of one state within this window merge into the first (B3.1). */
  readonly debounceMs: number;
  readonly alert: AlertRule;
}

export type PolicyAction = FixedAction | StepsAction | TrackingAction;

/** What needs no measured value. */
export type FixedAction =
  | { readonly kind: "change"; readonly change: number }
  /**
   * `partsPerMillion` of the base: 50 % is 500,000. Whole numbers keep the arithmetic exact (B2.3).
   */
  | { readonly kind: "percent"; readonly partsPerMillion: number }
  | { readonly kind: "exact"; readonly capacity: number };

/** By how far the measured value is beyond the threshold. */
export interface StepsAction {
  readonly kind: "steps";
  readonly threshold: number;
  /** From the threshold outwards, all on one side of it, without a gap, the last one open. */
  readonly steps: readonly BreachStep[];
}

/** A step's bounds are relative to the threshold; an absent one is open. */
export interface BreachStep {
  readonly lower?: number;
  readonly upper?: number;
  readonly action: FixedAction;
}

/** As many servers as bring the metric, an average over the servers, to its target. */
export interface TrackingAction {
  readonly kind: "tracking";
  /** What is measured, for people. */
  readonly metric: string;
  /** Above 0, in the metric's own unit. */
  readonly target: number;
  /** So far from the target, as a part of it, the metric may be without anything being done. */
  readonly tolerancePartsPerMillion: number;
  /** Scaling in goes no lower than the highest recommendation within this time (B3.6). */
  readonly stabilisationMs: number;
  /** In PromQL: the metric is asked for, and nobody need report it. */
  readonly query?: string;
}

/** How a policy turns the states of its alert keys into action (B3.2, B3.3). */
export interface AlertRule {
  /** The aggregate state on whose entering the policy acts. */
  readonly actsOn: "warning" | "critical";
  readonly holdMs: number;
  readonly timeToLiveMs: number;
  /** Circling back: how often it acts again while the alert stands, and how many times. */
  readonly repeatMs: number;
  readonly repeatsMax: number;
  /** The share of its keys that must be in a state for it to count. Absent: any one of them. */
  readonly votesPartsPerMillion?: number;
}

export type AlertState = "ok" | "warning" | "critical" | "unknown";

/** The last report for one policy and one alert key (a server, a check). */
export interface AlertMark {
  readonly policy: PolicyId;
  readonly key: string;
  readonly state: AlertState;
  readonly sinceMs: number;
  readonly refreshedAtMs: number;
  /** As measured with the last report. */
  readonly value?: number;
}

/** What the policy's metric is asked for by; undefined: it is reported, or there is none. */
export function queryOf({ action }: Pick<Policy, "action">): string | undefined {
  return action.kind === "tracking" ? action.query : undefined;
}
