import type { OperationClass } from "./colo.js";
import type { PauseMark } from "./placement.js";

/** Whether the pause stops this class of calls, or changes of tags (B8.3). */
export function pauseStops(
  paused: PauseMark | undefined,
  operation: OperationClass | "tag",
): boolean {
  return paused !== undefined && (paused.operations?.some((one) => one === operation) ?? true);
}

/** Whether it stops everything, as a person's does; the monitor's stops creates and deletes. */
export function stopsAll(paused: PauseMark | undefined): boolean {
  return paused !== undefined && paused.operations === undefined;
}

/** A person's word that a group is paused, or goes on, as its placements hear of it (B8.3). */
export interface PauseOrder {
  /** Sortable: the one with the greatest id stands. */
  readonly id: string;
  readonly atMs: number;
  readonly principal: string;
  /** Why it is paused; undefined: it goes on. */
  readonly pause?: { readonly reason: string };
}
