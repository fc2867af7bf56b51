import { type PausableProcess, pausableProcesses } from "../../core/model/pausable.js";
import { type PauseOrder, pausesOf, stopsAll } from "../../core/model/pause.js";
import type { PlacementDoc, ProcessPause } from "../../core/model/placement.js";
import type { Context } from "../context.js";
import { isAtRest } from "../events/lineage.js";
import type { PlacementChange, PlacementState } from "./placement-state.js";

/** The order's id, behind all that the placement has heard or is to tell. */
export function nextOrderId(
  { ids }: Pick<Context, "ids">,
  { doc, orders }: Pick<PlacementState, "doc" | "orders">,
): string {
  const { pauseOrder = "", resumeOrder = "", processOrders = {} } = doc ?? {};
  const told = [...orders.values()].map((one) => one.id);
  const known = [pauseOrder, resumeOrder, ...Object.values(processOrders), ...told];
  return idBehind(ids, known);
}

/** A fresh id, behind all of these: watches differ. */
export function idBehind(ids: Context["ids"], known: readonly string[]): string {
  const id = ids.next();
  const last = known.reduce((a, b) => (a > b ? a : b), "");
  return id > last ? id : `${last}0`;
}

/**
 * Pauses the placement or some of its processes, or lets them go on, as far as it has not heard of
 * a newer order on the same. Idempotent, and in whatever sequence orders arrive the same is left.
 */
export function obeyOrder(
  context: Pick<Context, "events">,
  { doc }: PlacementState,
  order: PauseOrder,
): PlacementChange {
  if (!doc) return {};
  const { processes, pause } = order;
  const isNews = (one: PausableProcess) => newestOn(doc, one) < order.id;
  if (processes) return obeyPart(context, doc, order, processes.filter(isNews));
  const isOld = (doc.pauseOrder ?? "") >= order.id;
  if (pause) return isOld ? {} : pauseWhole(context, doc, order, pause.reason);
  return resumeWhole(context, doc, order);
}

function newestOn({ processOrders, resumeOrder = "" }: PlacementDoc, process: PausableProcess) {
  const own = processOrders?.[process] ?? "";
  return own > resumeOrder ? own : resumeOrder;
}

function pauseWhole(
  { events }: Pick<Context, "events">,
  doc: PlacementDoc,
  { id, principal, atMs: sinceMs }: PauseOrder,
  reason: string,
): PlacementChange {
  const heard = { ...doc, pauseOrder: id };
  if (stopsAll(doc.paused)) return { doc: heard };
  const message = reason ? `The group was paused: ${reason}` : "The group was paused";
  const event = events.make("group.paused", { principal, message });
  const by = isAtRest(doc) ? { by: event.id } : {};
  return { doc: { ...heard, paused: { sinceMs, reason, principal, ...by } }, events: [event] };
}

/** Ends the group's own pause and those of all its processes, but for what was said later. */
function resumeWhole(
  { events }: Pick<Context, "events">,
  doc: PlacementDoc,
  { id, principal }: PauseOrder,
): PlacementChange {
  const isOld = (doc.pauseOrder ?? "") >= id;
  if (isOld && (doc.resumeOrder ?? "") >= id) return {};
  const { paused, processOrders = {}, ...rest } = doc;
  const later = pausableProcesses.filter((one) => (processOrders[one] ?? "") > id);
  const heard: PlacementDoc = {
    ...rest,
    ...(isOld ? paused && { paused } : { pauseOrder: id }),
    ...((rest.resumeOrder ?? "") < id && { resumeOrder: id }),
    ...(later.length > 0 && { processOrders: pick(processOrders, later) }),
  };
  const next = withProcesses(heard, pick(doc.pausedProcesses ?? {}, later));
  const ended = [...(isOld || !paused ? [] : [paused]), ...endedIn(doc, next)];
  if (ended.length === 0) return { doc: next };
  const event = events.make("group.resumed", { principal });
  return { doc: resumedBy(next, ended, event.id), events: [event] };
}

function obeyPart(
  { events }: Pick<Context, "events">,
  doc: PlacementDoc,
  { id, principal, pause, atMs: sinceMs }: PauseOrder,
  named: readonly PausableProcess[],
): PlacementChange {
  if (named.length === 0) return {};
  const words = Object.fromEntries(named.map((one) => [one, id]));
  const heard = { ...doc, processOrders: { ...doc.processOrders, ...words } };
  const { pausedProcesses: before = {} } = doc;
  const turned = named.filter((one) => (before[one] !== undefined) !== (pause !== undefined));
  if (turned.length === 0) return { doc: heard };
  const processes = turned.join(", ");
  const facts = { processes };
  if (!pause) {
    const left = pausableProcesses.filter((one) => !turned.includes(one));
    const next = withProcesses(heard, pick(before, left));
    const message = `The group's processes go on: ${processes}`;
    const event = events.make("group.resumed", { principal, message, facts });
    return { doc: resumedBy(next, endedIn(doc, next), event.id), events: [event] };
  }
  const { reason } = pause;
  const message = `Processes of the group were paused: ${processes}${reason ? `: ${reason}` : ""}`;
  const event = events.make("group.paused", { principal, message, facts });
  const by = isAtRest(doc) ? { by: event.id } : {};
  const mark: ProcessPause = { sinceMs, reason, principal, ...by };
  const paused = Object.fromEntries(turned.map((one) => [one, mark]));
  return { doc: withProcesses(heard, { ...before, ...paused }), events: [event] };
}

function pick<Value>(
  from: Readonly<Partial<Record<PausableProcess, Value>>>,
  names: readonly PausableProcess[],
): Partial<Record<PausableProcess, Value>> {
  return Object.fromEntries(names.flatMap((one) => (from[one] ? [[one, from[one]]] : [])));
}

function withProcesses(
  doc: PlacementDoc,
  pausedProcesses: NonNullable<PlacementDoc["pausedProcesses"]>,
): PlacementDoc {
  const { pausedProcesses: _before, ...rest } = doc;
  return Object.keys(pausedProcesses).length === 0 ? rest : { ...rest, pausedProcesses };
}

function endedIn(before: PlacementDoc, after: PlacementDoc): readonly ProcessPause[] {
  return pausesOf(before).filter(({ process }) => !after.pausedProcesses?.[process]);
}

/** Where nothing had waited for it, the end of a pause is what its condition's turn follows from. */
function resumedBy(
  doc: PlacementDoc,
  ended: readonly ProcessPause[],
  event: PlacementDoc["resumedBy"],
): PlacementDoc {
  const { resumedBy: _before, ...rest } = doc;
  const isNews = event !== undefined && ended.some(({ by }) => by !== undefined);
  return isNews ? { ...rest, resumedBy: event } : rest;
}
