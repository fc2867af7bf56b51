import { Fault } from "../../core/errors/fault.js";
import type { Group } from "../../core/model/group.js";
import type { ColoId, PlacementKey } from "../../core/model/ids.js";
import { joinMarks, type LedMarks } from "../../core/policy/join-marks.js";
import type { Context } from "../context.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import { alertKey, type PlacementState } from "../placements/placement-state.js";

/** The other colo that leads the group, where this node's do not: an earlier one of its list. */
export function leadElsewhere(context: Context, group: Group): ColoId | undefined {
  const first = group.placements.find(({ colo }) => context.coloWatch.isReached(colo));
  return first && !context.colos.has(first.colo) ? first.colo : undefined;
}

/**
 * Alerts that came while another colo could not lead circle back there from now on, and not here
 * (B3.3, B11.2). Both have them until the lead has said so.
 *
 * @throws Fault `COLO_UNREACHABLE`, `PEER_UNKNOWN`: this one goes on being asked to hand over.
 */
export async function handOver(
  context: Context,
  actor: PlacementActor,
  { doc, alerts }: PlacementState,
  lead: ColoId,
): Promise<void> {
  if (!doc) return;
  const { groupMarks, policyMarks } = doc;
  const led: LedMarks = { marks: { groupMarks, policyMarks }, alerts: [...alerts.values()] };
  const key = { ...actor.key, colo: lead };
  const { node, signal } = context;
  const caller = { principal: `muster:${node}`, signal };
  await context.elsewhere!.ask(lead, "placements.marks", { key, led }, caller);
  await actor.change((state) => {
    const alertsGone = led.alerts.filter(
      (one) => state.alerts.get(alertKey(one))?.refreshedAtMs === one.refreshedAtMs,
    );
    return { change: { alertsGone }, reply: undefined };
  });
}

/** On record when this returns; what is newer here stands. @throws Fault `GROUP_NOT_FOUND` */
export async function takeMarks(context: Context, key: PlacementKey, led: LedMarks): Promise<void> {
  await context.placements.open(key).change((state) => {
    const { doc } = state;
    if (!doc) throw new Fault("GROUP_NOT_FOUND", { say: "the group has no placement here yet" });
    const alerts = led.alerts.filter(
      (one) => one.refreshedAtMs > (state.alerts.get(alertKey(one))?.refreshedAtMs ?? 0),
    );
    return { change: { doc: { ...doc, ...joinMarks(doc, led.marks) }, alerts }, reply: undefined };
  });
  context.wake(key);
}
