import type { Cause } from "./cause.js";
import type { OperationClass } from "./colo.js";
import type { LaunchChoice } from "./group.js";
import type {
  CloudServerId,
  ColoId,
  EventId,
  PlacementKey,
  PolicyId,
  ScheduleId,
  ServerId,
} from "./ids.js";
import type { PausableProcess } from "./pausable.js";
import type { RebuildMark } from "./rebuild.js";
import type { ScaleEvent } from "./scale-event.js";

/** What one colo decides for one group: the row that every decision changes. */
export interface PlacementDoc {
  readonly key: PlacementKey;
  readonly groupUid: string;
  /** The group's generation that limits were taken from; an older edit never overwrites a newer. */
  readonly groupGeneration: number;
  readonly min: number;
  readonly max: number;
  /** Colos that have yet to lower their max before this one's is raised (B11.4). */
  readonly raiseWaits?: readonly ColoId[];
  readonly target: number;
  readonly targetChangedAtMs: number;
  /** Shares of other colos that it has in their stead, besides its target (B11.4). */
  readonly carried?: readonly CarriedShare[];
  /** A forced ceiling or floor beyond the limits, until it expires (B2.7). */
  readonly forced?: ForcedLimits;
  /** Limits that open windows of schedules set within its own, for as long as they are (B7.4). */
  readonly window?: WindowLimits;
  readonly paused?: PauseMark;
  /** The newest word on its pause that it has heard; an older one that comes late is ignored. */
  readonly pauseOrder?: string;
  /** The newest launch revision that has proven to serve here (B8.5). Unknown to older versions. */
  readonly provenRevision?: number;
  /** How the placement's servers are replaced, or last were (B8.5). */
  readonly rebuild?: RebuildMark;
  /** The newest word on rebuilds that it has heard; an older one that comes late is ignored. */
  readonly rebuildOrder?: string;
  /** Processes that a person paused alone, each with its own reason (B8.1). */
  readonly pausedProcesses?: Readonly<Partial<Record<PausableProcess, ProcessPause>>>;
  /** The newest word on each one's own pause, where that is newer than the word on all of them. */
  readonly processOrders?: Readonly<Partial<Record<PausableProcess, string>>>;
  /** The newest word that all goes on. */
  readonly resumeOrder?: string;
  /** Places of servers that served and left unasked, which nobody has taken yet. None: undefined. */
  readonly vacant?: number;
  readonly deleting: boolean;
  readonly groupMarks: GroupMarks;
  readonly policyMarks: Readonly<Record<PolicyId, PolicyMarks>>;
  readonly backoff?: BuildBackoff;
  /** Where the cloud had no room, of the choices that the launch configuration leaves (B4.7). */
  readonly noRoom?: readonly NoRoomMark[];
  readonly losses?: LossWindow;
  /** Since when replacement waits for a person, and when one was last asked (B9.2, B9.7). */
  readonly hold?: HoldMark;
  readonly acknowledged?: Acknowledgement;
  /**
   * The greatest id of an intention that was ever committed here: ids are sortable, so a server
   * with a greater one proves that the ledger went back (B9.5). Unknown to older versions.
   */
  readonly newestServer?: ServerId;
  /** Scaling in and deleting wait until a person has confirmed the ledger (B9.5). */
  readonly quarantine?: QuarantineMark;
  /** Servers with our tags and without a row, of which look-ups say nothing (B9.6). */
  readonly unproven?: readonly UnprovenMark[];
  /** The monitor's newest findings (docs/invariants.md), oldest first. */
  readonly violations?: readonly ViolationMark[];
  readonly conditions: readonly Condition[];
  /** What last moved the target. */
  readonly lastDecision?: TargetDecision;
  /** The event that last moved the target, whoever did: what converging follows from. */
  readonly movedBy?: EventId;
  /** The event of the last edit that reached the placement, or of its making. */
  readonly configuredBy?: EventId;
  /** The event that ended the last pause, where nothing had waited for it. */
  readonly resumedBy?: EventId;
  /**
   * What the replacements follow from of servers that left unasked, one each, oldest first; a new
   * server that takes none of these places follows what moved the target.
   */
  readonly vacancies?: readonly EventId[];
}

/** Servers of another colo's share that a placement has in its stead for now (B11.4). */
export interface CarriedShare {
  readonly colo: ColoId;
  readonly servers: number;
  readonly sinceMs: number;
}

/** Since when nobody could say what a listed server is. */
export interface UnprovenMark {
  readonly cloudId: CloudServerId;
  readonly sinceMs: number;
}

export interface QuarantineMark {
  readonly sinceMs: number;
  readonly reason: string;
  /** Who set it; undefined: it was found out. */
  readonly principal?: string;
}

export interface ForcedLimits {
  readonly min?: number;
  readonly max?: number;
  readonly expiresAtMs: number;
  readonly reason: string;
  /** The scale event that forced them. */
  readonly by?: EventId;
}

/** This placement's share of what open windows set; tighter than its own limits, never wider. */
export interface WindowLimits {
  readonly min?: number;
  readonly max?: number;
  /** Those that are open. */
  readonly schedules: readonly ScheduleId[];
  /** A floor alone holds the target up: what it goes back to unless somebody moves it. */
  readonly floor?: { readonly before: number; readonly by: EventId };
}

export interface PauseMark {
  readonly sinceMs: number;
  readonly reason: string;
  readonly principal: string;
  /** The classes of calls that it stops. Undefined: everything (B8.3). */
  readonly operations?: readonly OperationClass[];
  /** The event of the pause, where nothing waited for its end. */
  readonly by?: EventId;
}

/** A single process that is paused while the rest of the group goes on (B8.1). */
export type ProcessPause = Omit<PauseMark, "operations">;

/** A broken invariant that was found here: said once, and never again for the same finding. */
export interface ViolationMark {
  readonly key: string;
  readonly invariant: string;
  readonly atMs: number;
}

/**
 * When decisions in each direction were last applied. Scaling in never delays scaling out (B2.5).
 */
export interface CooldownMarks {
  readonly lastOutMs?: number;
  readonly lastInMs?: number;
}

export interface GroupMarks extends CooldownMarks {
  /** What scaling in took, oldest first, for as long as the group's limit counts it (B3.5). */
  readonly removals?: readonly Removal[];
  /** Scaling in waits, since demand fell in a way that looks like a fault of the monitors. */
  readonly demandHold?: DemandHold;
}

export interface Removal {
  readonly atMs: number;
  readonly servers: number;
}

export interface DemandHold {
  readonly sinceMs: number;
  /** From then on the drop is believed. */
  readonly untilMs: number;
  readonly why: Cause;
}

export interface PolicyMarks extends CooldownMarks {
  /** The open debounce window, by what opened it (`critical/out`), with the event that acted. */
  readonly windows?: Readonly<Record<string, DebounceWindow>>;
  /** Since when the policy's aggregate state is the one it acts on (B3.2). */
  readonly enteredAtMs?: number;
  /** The event that made it enter. Circle-backs are its consequences. */
  readonly enteredBy?: string;
  readonly actedAtMs?: number;
  readonly repeats?: number;
  /** A guard let it take nothing; until then the alert that stands does not ask again. */
  readonly heldUntilMs?: number;
  /** What target tracking has recommended of late (B3.6). */
  readonly recommended?: Recommended;
}

export interface Recommended {
  /** Since when it is recommended without a gap in the data. */
  readonly sinceMs: number;
  readonly lastAtMs: number;
  /** Newest last; an older one is kept only where it is higher than all after it. */
  readonly highest: readonly Recommendation[];
  /** A sudden fall of what is recommended, until it is believed or taken back. */
  readonly cliff?: Cliff;
}

export interface Recommendation {
  readonly atMs: number;
  /** Servers in all. */
  readonly servers: number;
}

export interface Cliff {
  readonly atMs: number;
  /** What was recommended before and then, in servers. */
  readonly from: number;
  readonly to: number;
}

export interface DebounceWindow {
  readonly openedAtMs: number;
  readonly eventId: string;
}

/** How many servers were given up as lost or suspected since when: the ramp of B9.2. */
export interface LossWindow {
  readonly sinceMs: number;
  readonly concluded: number;
  /** They were many: the next minute goes on at the ramp. */
  readonly ramped?: boolean;
}

export interface HoldMark {
  readonly sinceMs: number;
  readonly askedAtMs: number;
}

/** A person said that replacement shall go on in spite of a hold; for a while (B9.2). */
export interface Acknowledgement {
  readonly atMs: number;
  readonly untilMs: number;
  readonly reason: string;
  readonly principal: string;
}

/** Builds that failed in a row (B4.6). */
export interface BuildBackoff {
  readonly failures: number;
  readonly retryAtMs: number;
  readonly reason: string;
}

/** A choice that is left out until then; after that it is tried by one server at a time (B4.7). */
export interface NoRoomMark extends LaunchChoice {
  readonly failures: number;
  readonly sinceMs: number;
  readonly untilMs: number;
}

export interface TargetDecision {
  /** Sortable: a delivered decision that is older than this one is ignored (B11.2). */
  readonly id: string;
  /** The scale event that it answered: the parent of what follows. */
  readonly eventId: EventId;
  /** What asked: people's wishes go before others' (B9.4). */
  readonly source?: ScaleEvent["source"];
}

/** Status, one aspect at a time (B4.9). */
export interface Condition {
  readonly type: ConditionType;
  readonly holds: boolean;
  readonly causes: readonly Cause[];
  readonly sinceMs: number;
}

export type ConditionType =
  /** Enough servers are in service for the minimum. */
  | "ready"
  | "converged"
  /** No server in service is lost or suspected. */
  | "healthy"
  | "degraded"
  | "paused"
  | "held"
  | "braked"
  /** Servers are being replaced by such of another launch revision, or that waits (B8.5). */
  | "rebuilding"
  | "waiting";
