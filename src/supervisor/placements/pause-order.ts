import { type PauseOrder, stopsAll } from "../../core/model/pause.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { Context } from "../context.js";
import { isAtRest } from "../events/lineage.js";
import type { PlacementChange, PlacementState } from "./placement-state.js";

/** The order's id, behind all that the placement has heard: watches differ. */
export function nextOrderId({ ids }: Pick<Context, "ids">, doc: PlacementDoc | undefined): string {
  const id = ids.next();
  const last = doc?.pauseOrder ?? "";
  return id > last ? id : `${last}0`;
}

/** Pauses the placement or lets it go on, unless it has heard of a newer order. Idempotent. */
export function obeyOrder(
  { events }: Pick<Context, "events">,
  { doc }: PlacementState,
  order: PauseOrder,
): PlacementChange {
  if (!doc || (doc.pauseOrder ?? "") >= order.id) return {};
  const { principal, pause, atMs: sinceMs } = order;
  const heard = { ...doc, pauseOrder: order.id };
  if (pause) {
    if (stopsAll(doc.paused)) return { doc: heard };
    const { reason } = pause;
    const message = reason ? `The group was paused: ${reason}` : "The group was paused";
    const event = events.make("group.paused", { principal, message });
    const by = isAtRest(doc) ? { by: event.id } : {};
    return { doc: { ...heard, paused: { sinceMs, reason, principal, ...by } }, events: [event] };
  }
  const { paused, resumedBy: _before, ...rest } = heard;
  if (!paused) return { doc: heard };
  const event = events.make("group.resumed", { principal });
  return { doc: paused.by ? { ...rest, resumedBy: event.id } : rest, events: [event] };
}
