import type { EventId, PolicyId, ScheduleId } from "./ids.js";
import type { Outcome } from "./scale-event.js";

/** When what is to be done with a group's target, by itself (B7.1, B7.4). */
export interface Schedule {
  readonly id: ScheduleId;
  readonly uid: string;
  readonly generation: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly displayName: string;
  readonly timing: Timing;
  /**
   * Since when it has this timing: only what is due later is an occurrence of it. Other edits leave
   * it, so that none of them loses an occurrence that is due right now.
   */
  readonly timedAtMs: number;
  readonly action: ScheduleAction;
  /** How late an occurrence may still run (B7.2). */
  readonly graceMs: number;
}

export type Timing =
  | { readonly kind: "at"; readonly atMs: number }
  /** Five fields, in the local time of an IANA zone. */
  | { readonly kind: "cron"; readonly cron: string; readonly timeZone: string };

export type ScheduleAction =
  | { readonly kind: "target"; readonly target: number }
  | { readonly kind: "change"; readonly change: number }
  | { readonly kind: "policy"; readonly policy: PolicyId }
  /** Opens at each occurrence, for so long of elapsed time. */
  | { readonly kind: "window"; readonly limits: WindowSpec; readonly durationMs: number };

/** Totals of the whole group; within its own limits, they only tighten them (B7.4). */
export interface WindowSpec {
  readonly min?: number;
  readonly max?: number;
  /** As min, but the target that it alone held up falls back when it ends. */
  readonly floor?: number;
}

/** The occurrence that a placement dealt with last; later ones are still to come (B7.2). */
export interface ScheduleMark {
  readonly schedule: ScheduleId;
  /** Of which life of the schedule, and of which timing of it. */
  readonly uid: string;
  readonly timedAtMs: number;
  readonly dueAtMs: number;
  /** Up to when its occurrences are dealt with: those that were skipped with it, too. */
  readonly untilMs: number;
  readonly doneAtMs: number;
  readonly outcome: Outcome | "missed";
  readonly event: EventId;
  /** A pause of schedules refused it: it is due again once they go on (B8.1). */
  readonly waits?: true;
}
