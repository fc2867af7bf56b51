import type { Group } from "../model/group.js";
import type { ColoId } from "../model/ids.js";
import type { ForcedLimits, PlacementDoc, WindowLimits } from "../model/placement.js";
import type { AlertMark, Policy } from "../model/policy.js";
import type { Receipt } from "../model/scale-event.js";
import type { AlertMarkChanges } from "./alerts.js";
import type { LeadMarks } from "./marks.js";

/** All that a decision depends on, as the lead placement knows it (B11.2). */
export interface DecideInput {
  readonly nowMs: number;
  readonly group: Pick<Group, "cooldownMs" | "deleting" | "scaleInLimit">;
  /** In the group's order, which breaks ties when a total is split. */
  readonly placements: readonly PlacementFacts[];
  readonly lead: LeadFacts;
  /** All of the group's: one that asks for more keeps others from scaling in (decision 0024). */
  readonly policies: readonly Policy[];
  /** Of all those policies. */
  readonly alertMarks: readonly AlertMark[];
  /**
   * Servers asked for before, neither in service (and warm) nor given up: answered demand (B2.6).
   */
  readonly unanswered: number;
  /** Set while monitors of many groups want fewer servers at once. */
  readonly demandDrop?: DemandDrop;
}

/** Many groups of the installation whose monitors want fewer servers, as this node sees them. */
export interface DemandDrop {
  readonly sinceMs: number;
  readonly groups: number;
  /** Groups that monitors spoke for of late. */
  readonly ofGroups: number;
}

/** A placement as last known to the lead: its own part exact, the others' as replicated. */
export interface PlacementFacts {
  readonly colo: ColoId;
  readonly min: number;
  readonly max: number;
  readonly weight: number;
  readonly target: number;
  readonly forced?: ForcedLimits;
  readonly window?: WindowLimits;
  /** How old this knowledge is; undefined for the lead's own part. Goes into the receipt. */
  readonly ageMs?: number;
}

/** A `PlacementDoc` fits. */
export type LeadFacts = Pick<PlacementDoc, "paused" | "pausedProcesses" | "deleting"> & LeadMarks;

/**
 * What is to be committed. A refusal changes neither targets nor cooldowns nor windows; what an
 * alert reports is taken in all the same: its mark, and since when its policy is in its state.
 */
export interface Decision {
  readonly receipt: Receipt;
  /** The total that the event alone asked for, before guards and limits. */
  readonly wanted: number;
  /** Every placement's new target; undefined where no target changes. */
  readonly targets?: Readonly<Record<ColoId, number>>;
  /** The lead's marks from now on; each the very object given where it did not change. */
  readonly marks: LeadMarks;
  readonly alertMarks: AlertMarkChanges;
  /** Placements whose forced limits are to be replaced by these (B2.7). */
  readonly forced: Readonly<Record<ColoId, ForcedLimits>>;
  /**
   * When to look at this policy's alert again, with `circleBack`; undefined when it waits for
   * none.
   */
  readonly nextAtMs?: number;
}
