import type { PlacementDoc, TargetDecision } from "../model/placement.js";
import type { ScaleEvent } from "../model/scale-event.js";
import type { Decision } from "./decision.js";

/** A placement as a decision leaves it: its part of the target, and what force lifts there. */
export function docAfter(
  doc: PlacementDoc,
  of: {
    readonly event: Pick<ScaleEvent, "id" | "source">;
    readonly decision: Pick<Decision, "targets" | "forced" | "receipt">;
    readonly decisionId: TargetDecision["id"];
  },
): PlacementDoc {
  const { event, decision, decisionId: id } = of;
  const { targets, forced, receipt } = decision;
  const { colo } = doc.key;
  const target = targets?.[colo] ?? doc.target;
  const forcedHere = forced[colo];
  const lastDecision = { id, eventId: event.id, source: event.source };
  return {
    ...doc,
    ...(forcedHere ? { forced: { ...forcedHere, by: event.id } } : {}),
    ...(targets ? { target, lastDecision } : {}),
    ...(target === doc.target ? {} : { targetChangedAtMs: receipt.atMs, movedBy: event.id }),
  };
}
