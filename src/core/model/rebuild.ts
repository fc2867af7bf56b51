import type { EventId } from "./ids.js";

/** So many servers, or a share of the target in percent. */
export type Amount =
  | { readonly kind: "servers"; readonly servers: number }
  | { readonly kind: "percent"; readonly percent: number };

/** How servers are replaced by such of a newer launch revision (B8.5). */
export interface RebuildOptions {
  /** Servers beyond the target, rounded up. */
  readonly surge: Amount;
  /** Servers short of the target, rounded down. */
  readonly unavailable: Amount;
  /** Between two batches. */
  readonly pauseMs: number;
  /** Percent of the target at which it waits, ascending. */
  readonly checkpoints: readonly number[];
  /** How long it waits there; undefined: until a person says continue. */
  readonly checkpointWaitMs?: number;
  /** So many failed new servers stop it. */
  readonly stopAfter: number;
  /** What stops it for failures also takes back what it made. */
  readonly rollBack: boolean;
}

/** A person's word on a group's rebuild, as its placements hear of it. */
export interface RebuildOrder {
  /** Sortable: a placement ignores what is not newer than the last one that it heard. */
  readonly id: string;
  readonly atMs: number;
  readonly principal: string;
  readonly word:
    | { readonly kind: "start"; readonly revision: number; readonly options: RebuildOptions }
    | { readonly kind: "cancel" }
    | { readonly kind: "continue" }
    | { readonly kind: "rollBack" };
}

/** What a placement does, or last did, to replace its servers. Kept until the next rebuild. */
export interface RebuildMark {
  /** The order that began it here. */
  readonly id: string;
  /** The last order that said the same again. */
  readonly repeatedBy?: string;
  readonly principal: string;
  /** The event that told of the order: what all of it follows from. */
  readonly by: EventId;
  readonly phase: RebuildPhase;
  /** Since when it is in this phase. */
  readonly sinceMs: number;
  readonly startedAtMs: number;
  /** The launch revision that it brings in. */
  readonly revision: number;
  /** What was proven when it began: the way back. Undefined: there is none. */
  readonly fromRevision?: number;
  readonly options: RebuildOptions;
  /** Counts 1, 2, 3, …; 0 before the first. */
  readonly batch: number;
  /** So many servers are to be current before the batch is over. */
  readonly goal: number;
  /** The batch is over, and the next one waits until then. */
  readonly restUntilMs?: number;
  /** Checkpoints that were passed. */
  readonly passed: number;
  /** Waiting at a checkpoint: until then; undefined: for a person. */
  readonly waitUntilMs?: number;
  /** New servers that failed. */
  readonly failures: number;
  /** The last failure, in words. */
  readonly fault?: string;
}

export type RebuildPhase =
  /** Another colo's turn comes first. */
  | "queued"
  | "rolling"
  /** At a checkpoint. */
  | "waiting"
  | "stopped"
  | "cancelled"
  | "completed"
  | "rollingBack"
  | "rolledBack";

/** Whether two placements' marks are of one rebuild: of those that have heard the same, they are. */
export function areOne(one: RebuildMark, other: RebuildMark): boolean {
  return (one.repeatedBy ?? one.id) === (other.repeatedBy ?? other.id);
}

/** It goes on by itself, or by somebody's word. */
export function isOpen({ phase }: Pick<RebuildMark, "phase">): boolean {
  return isActive({ phase }) || phase === "queued" || phase === "waiting";
}

/** It replaces servers. */
export function isActive({ phase }: Pick<RebuildMark, "phase">): boolean {
  return phase === "rolling" || phase === "rollingBack";
}

/** How many servers beyond and short of the target a rebuild may take; never nothing at all. */
export function roomOf(
  { surge, unavailable }: Pick<RebuildOptions, "surge" | "unavailable">,
  target: number,
): { readonly surge: number; readonly unavailable: number } {
  const most = serversOf(surge, target, Math.ceil);
  const fewest = serversOf(unavailable, target, Math.floor);
  return most + fewest === 0 ? { surge: 1, unavailable: 0 } : { surge: most, unavailable: fewest };
}

/** Servers beyond the target that the placement's rebuild may have at this moment (B9.3). */
export function surgeOf({ rebuild }: { readonly rebuild?: RebuildMark }, target: number): number {
  return rebuild && isActive(rebuild) ? roomOf(rebuild.options, target).surge : 0;
}

function serversOf(amount: Amount, target: number, round: (share: number) => number): number {
  if (amount.kind === "servers") return amount.servers;
  return round((amount.percent * target) / 100);
}
