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

export type PolicyAction =
  | { readonly kind: "change"; readonly change: number }
  /**
   * `partsPerMillion` of the base: 50 % is 500,000. Whole numbers keep the arithmetic exact (B2.3).
   */
  | { readonly kind: "percent"; readonly partsPerMillion: number }
  | { readonly kind: "exact"; readonly capacity: number };

/** How a policy turns the states of its alert keys into action (B3.2, B3.3). */
export interface AlertRule {
  /** The aggregate state on whose entering the policy acts. */
  readonly actsOn: "warning" | "critical";
  readonly holdMs: number;
  readonly timeToLiveMs: number;
  /** Circling back: how often it acts again while the alert stands, and how many times. */
  readonly repeatMs: number;
  readonly repeatsMax: number;
}

export type AlertState = "ok" | "warning" | "critical" | "unknown";

/** The last report for one policy and one alert key (a server, a check). */
export interface AlertMark {
  readonly policy: PolicyId;
  readonly key: string;
  readonly state: AlertState;
  readonly sinceMs: number;
  readonly refreshedAtMs: number;
}
