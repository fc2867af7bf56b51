import { type Cause, cause } from "./cause.js";
import type { OperationClass } from "./colo.js";
import { type PausableProcess, type Processes, pausableProcesses } from "./pausable.js";
import type { PauseMark, PlacementDoc, ProcessPause } from "./placement.js";
import type { ServerRow } from "./server.js";

/** A `PlacementDoc` fits, and so does its view. */
interface Pauses {
  readonly pausedProcesses?: PlacementDoc["pausedProcesses"] | undefined;
}

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

/** Why a process does nothing: who paused it alone, since when and what for. */
export function processStopped(
  { pausedProcesses }: Pauses,
  process: PausableProcess,
  more: Cause["facts"] = {},
): Cause | undefined {
  const pause = pausedProcesses?.[process];
  return pause && causeOf(process, pause, more);
}

/** The pauses of all processes that are paused alone. */
export function pausesOf({ pausedProcesses = {} }: Pauses): readonly NamedPause[] {
  return pausableProcesses.flatMap((process) => {
    const pause = pausedProcesses[process];
    return pause ? [{ ...pause, process, cause: causeOf(process, pause, {}) }] : [];
  });
}

export interface NamedPause extends ProcessPause {
  readonly process: PausableProcess;
  readonly cause: Cause;
}

function causeOf(process: PausableProcess, pause: ProcessPause, more: Cause["facts"]): Cause {
  const { reason, principal, sinceMs: sinceAtMs } = pause;
  return cause("B8.3", "PROCESS_PAUSED", { process, reason, principal, sinceAtMs, ...more });
}

/**
 * The process that makes a server: one in the place of a server that had served and was lost, or
 * that is to take it, is a replacement; all others answer a target.
 */
export function makerOf(row: Pick<ServerRow, "inServiceAtMs" | "replaces">): PausableProcess {
  return row.inServiceAtMs !== undefined || row.replaces ? "replacement" : "scaleOut";
}

/** Whether the server leaves because there are too many: the end of a group is no scaling in. */
export function isScaledIn(row: ServerRow, { deleting }: Pick<PlacementDoc, "deleting">): boolean {
  return row.leaving?.code === "SURPLUS" && !deleting;
}

/** Why a call for this server may not begin, where a process alone is paused (B8.3). */
export function callStopped(
  doc: Pauses & Pick<PlacementDoc, "deleting">,
  operation: "create" | "delete" | "loadBalancer",
  row: ServerRow,
): Cause | undefined {
  if (operation === "create") return processStopped(doc, makerOf(row));
  return isScaledIn(row, doc) ? processStopped(doc, "scaleIn") : undefined;
}

/** A person's word that a group is paused, or goes on, as its placements hear of it (B8.3). */
export interface PauseOrder {
  /** Sortable: of those on the same thing the one with the greatest id stands. */
  readonly id: string;
  readonly atMs: number;
  readonly principal: string;
  /** Why it is paused; undefined: it goes on. */
  readonly pause?: { readonly reason: string };
  /** Undefined: the group as a whole; where that goes on, all of its processes do. */
  readonly processes?: Processes;
}

/** What an order says something of. */
function saysOf({ pause, processes }: PauseOrder): readonly ("group" | PausableProcess)[] {
  return processes ?? (pause ? ["group"] : ["group", ...pausableProcesses]);
}

/**
 * Those of one placement's orders, the oldest first, of which nothing is left: all that each says
 * something of was said anew. So no more are left than there are things to say something of.
 */
export function overtaken(orders: readonly PauseOrder[]): readonly PauseOrder[] {
  const said = new Set<string>();
  return orders.toReversed().filter((order) => {
    const says = saysOf(order);
    const isOver = says.every((one) => said.has(one));
    for (const one of says) said.add(one);
    return isOver;
  });
}
