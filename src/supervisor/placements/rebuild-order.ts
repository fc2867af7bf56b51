import type { EventDraft, EventType } from "../../core/model/event.js";
import type { Group } from "../../core/model/group.js";
import { launchOf } from "../../core/model/launches.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import { isOpen, type RebuildMark, type RebuildOrder } from "../../core/model/rebuild.js";
import { enter, goOn, turnBack } from "../../core/plan/rebuild-phases.js";
import type { Context } from "../context.js";
import type { PlacementChange, PlacementState } from "./placement-state.js";

/**
 * Has the placement take a person's word on its rebuild, unless it has heard of a newer one.
 * Idempotent: a word that changes nothing is only noted.
 */
export function obeyRebuild(
  { events }: Pick<Context, "events">,
  { doc }: PlacementState,
  group: Group,
  order: RebuildOrder,
): PlacementChange {
  if (!doc || doc.deleting || (doc.rebuildOrder ?? "") >= order.id) return {};
  const heard = { ...doc, rebuildOrder: order.id };
  const { principal, atMs, word } = order;
  const { rebuild } = doc;
  const told = (type: EventType, of: RebuildMark) => {
    const facts = { revision: of.revision, rebuild: of.id };
    const parent = type === "rebuild.started" ? {} : { parent: of.by };
    return events.make(type, { principal, facts, ...parent });
  };
  const become = (of: RebuildMark, event: EventDraft, change: Partial<PlacementDoc> = {}) => ({
    doc: { ...heard, ...change, rebuild: of },
    events: [event],
  });
  switch (word.kind) {
    case "start": {
      // Other colos may have heard of it by this order alone.
      if (rebuild && isSame(rebuild, word))
        return { doc: { ...heard, rebuild: { ...rebuild, repeatedBy: order.id } } };
      const begun = begin(doc, group, order, word);
      const event = told("rebuild.started", { ...begun, by: order.id as RebuildMark["by"] });
      return become({ ...begun, by: event.id }, event);
    }
    case "cancel":
      if (!rebuild || !(isOpen(rebuild) || rebuild.phase === "stopped")) return { doc: heard };
      return become(enter(rebuild, "cancelled", atMs), told("rebuild.cancelled", rebuild));
    case "continue":
      if (rebuild?.phase !== "waiting") return { doc: heard };
      return become(goOn(rebuild, atMs), told("rebuild.continued", rebuild));
    case "rollBack": {
      if (!rebuild || !mayTurnBack(group, rebuild)) return { doc: heard };
      const { fromRevision } = rebuild;
      const proven = fromRevision === undefined ? {} : { provenRevision: fromRevision };
      return become(turnBack(rebuild, atMs), told("rebuild.rolling_back", rebuild), proven);
    }
    default:
      return word satisfies never;
  }
}

/** There is a revision to go back to, it is kept, and nobody has gone back already. */
export function mayTurnBack(group: Group, { fromRevision, phase }: RebuildMark): boolean {
  if (phase === "queued" || phase === "rollingBack" || phase === "rolledBack") return false;
  return fromRevision !== undefined && launchOf(group, fromRevision) !== undefined;
}

/** What was ordered already goes on: whoever repeats an order does not begin anew. */
function isSame(
  rebuild: RebuildMark,
  { revision, options }: Extract<RebuildOrder["word"], { readonly kind: "start" }>,
): boolean {
  const goesOn = isOpen(rebuild) && rebuild.phase !== "rollingBack";
  const alike = JSON.stringify(rebuild.options) === JSON.stringify(options);
  return goesOn && rebuild.revision === revision && alike;
}

function begin(
  { key, provenRevision, rebuild }: PlacementDoc,
  { placements }: Group,
  { id, atMs, principal }: RebuildOrder,
  { revision, options }: Extract<RebuildOrder["word"], { readonly kind: "start" }>,
): Omit<RebuildMark, "by"> {
  // Of one that goes on to the same revision with other options the way back stays what it was.
  const from = provenRevision === revision ? rebuild?.fromRevision : provenRevision;
  return {
    ...{ id, principal, revision, options },
    phase: placements[0]?.colo === key.colo ? "rolling" : "queued",
    sinceMs: atMs,
    startedAtMs: atMs,
    ...(from === undefined || from === revision ? {} : { fromRevision: from }),
    ...{ batch: 0, goal: 0, passed: 0, failures: 0 },
  };
}
