import type { Cause } from "./cause.js";
import type { ColoId, EventId, PolicyId, ScheduleId } from "./ids.js";
import type { AlertState } from "./policy.js";

/** Something asks for a change of a group's target. */
export interface ScaleEvent {
  readonly id: EventId;
  readonly atMs: number;
  readonly source: "manual" | "alert" | "webhook" | "schedule" | "circleBack";
  readonly ask: ScaleAsk;
  /** Who asked, for the audit (B10.5). */
  readonly principal: string;
  readonly force?: Force;
  /** Events with the same key are one event (B3.1). */
  readonly idempotencyKey?: string;
  /** The occurrence of a schedule that it is (B7.2). */
  readonly occurrence?: Occurrence;
}

export interface Occurrence {
  readonly schedule: ScheduleId;
  readonly dueAtMs: number;
  /** The first that was missed and that it stands for, too; else itself. */
  readonly firstAtMs: number;
  /** How late it may still run. */
  readonly graceMs: number;
}

export type ScaleAsk =
  | { readonly kind: "target"; readonly target: number }
  | { readonly kind: "change"; readonly change: number }
  | { readonly kind: "policy"; readonly policy: PolicyId }
  | {
      readonly kind: "alert";
      readonly policy: PolicyId;
      readonly key: string;
      readonly state: AlertState;
      readonly value?: number;
    };

/** Passes cooldowns, debounce and the group's own limits; never pause, brakes, quota (B2.7). */
export interface Force {
  readonly reason: string;
  readonly expiresAtMs: number;
}

/** APPLIED, MERGED, NO_CHANGE, REFUSED, HELD (B2.9). */
export type Outcome = "applied" | "merged" | "noChange" | "refused" | "held";

/** The answer to every scale event (B2.9). Nothing is dropped silently. */
export interface Receipt {
  readonly eventId: EventId;
  readonly atMs: number;
  readonly outcome: Outcome;
  readonly causes: readonly Cause[];
  /** Totals of the whole group. */
  readonly oldTarget: number;
  readonly newTarget: number;
  readonly placements: readonly PlacementTarget[];
  /** When asking again may help; undefined when time alone changes nothing. */
  readonly retryAtMs?: number;
}

export interface PlacementTarget {
  readonly colo: ColoId;
  readonly oldTarget: number;
  readonly newTarget: number;
}
