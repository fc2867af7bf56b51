import type { EventId } from "../../core/model/ids.js";
import { openWindows, settleWindow } from "../../core/policy/windows.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";

/**
 * Has the placement's limits be what open windows set (B7.4); while schedules are paused they stay
 * as they are (B8.1). Does the same however often, and from
 * whatever it was left in.
 *
 * @returns whether anything moved.
 */
export async function keepWindows(
  context: Context,
  actor: PlacementActor,
  { group, schedules }: GroupEntry,
): Promise<boolean> {
  const { clock, nextOccurrence: next, signal } = context;
  if (!group) return false;
  const nowMs = clock.nowMs();
  const open = openWindows(schedules.values(), { nowMs, next });
  const { placements } = group;
  const settled = ({ doc }: PlacementState, by: EventId) =>
    doc &&
    !doc.pausedProcesses?.schedules &&
    settleWindow(doc, { placements, open }, { nowMs, by });
  if (!settled(await actor.state(signal), "" as EventId)) return false;
  return actor.change((newest) => {
    const by = context.ids.next() as EventId;
    const moved = settled(newest, by);
    if (!moved) return { change: {}, reply: false };
    const { doc, causes, turned } = moved;
    const facts = { target: doc.target, oldTarget: newest.doc!.target };
    const event = { ...context.events.make(`window.${turned}`, { facts, causes }), id: by };
    return { change: { doc, events: [event] }, reply: true };
  });
}
