import { cause } from "../../core/model/cause.js";
import type { ColoId, GroupKey, PlacementKey, ServerId } from "../../core/model/ids.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { Caller, GroupView } from "../api.js";
import type { Context } from "../context.js";
import { liveGroup, placementsOf } from "../placements/ensure.js";
import { placementIndex, placementOfHint } from "../placements/hints.js";
import type { PlacementState } from "../placements/placement-state.js";

const pageMax = 500;

/** A person has looked: the ledger is right, and scaling in and deleting go on (B9.5). */
export function createConfirmLedger(
  context: Context,
  view: (key: GroupKey, caller: Caller) => Promise<GroupView>,
) {
  return async (
    { key, reason }: { readonly key: GroupKey; readonly reason: string },
    caller: Caller,
  ): Promise<GroupView> => {
    const { group } = await liveGroup(context, key, caller.signal);
    for (const placement of placementsOf(context, group)) {
      await context.placements.open(placement).change((state) => {
        const { doc } = state;
        if (!doc?.quarantine) return { change: {}, reply: undefined };
        const { principal } = caller;
        const causes = [cause("B9.5", "REQUESTED", { principal, reason })];
        const event = context.events.make("group.ledger_confirmed", { principal, causes });
        return { change: { doc: confirmed(state, doc), events: [event] }, reply: undefined };
      });
      context.wakeNow(placement);
    }
    return view(key, caller);
  };
}

/** What the person has seen of unknown servers does not prove the ledger wrong once more. */
function confirmed({ orphans }: PlacementState, doc: PlacementDoc): PlacementDoc {
  const { quarantine: _over, ...rest } = doc;
  const newest = [...orphans.values()]
    .map(({ claims }) => claims as ServerId)
    .filter((claims) => isLikeOurs(claims, doc.newestServer))
    .reduce((a, b) => (a > b ? a : b), doc.newestServer ?? ("" as ServerId));
  return newest === "" ? rest : { ...rest, newestServer: newest };
}

function isLikeOurs(claims: ServerId, newest: ServerId | undefined): boolean {
  return newest === undefined || newest === "" || claims.length === newest.length;
}

/** The mark that a person puts on a placement, unless it has one. */
export function withQuarantine(
  context: Pick<Context, "clock" | "events">,
  state: PlacementState,
  { reason, principal }: { readonly reason: string; readonly principal: string },
) {
  const { doc } = state;
  if (!doc || doc.quarantine) return {};
  const quarantine = { sinceMs: context.clock.nowMs(), reason, principal };
  const causes = [cause("B9.5", "QUARANTINE", { reason })];
  const event = context.events.make("group.quarantined", { principal, causes });
  return { doc: { ...doc, quarantine }, events: [event] };
}

/** Puts every placement of a colo in quarantine: what is done after a restore (B9.5). */
export async function quarantineColo(
  context: Context,
  { colo, reason }: { readonly colo: ColoId; readonly reason: string },
  { principal, signal }: Caller,
): Promise<number> {
  let count = 0;
  let afterKey = "";
  for (;;) {
    const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
    const hints = await context.store.listHints(page, { signal });
    for (const hint of hints) {
      const key: PlacementKey = placementOfHint(colo, hint);
      const actor = context.placements.open(key);
      // A restored store is older than what this node remembers.
      actor.distrust();
      count += await actor.change((state) => ({
        change: withQuarantine(context, state, { reason, principal }),
        reply: state.doc ? 1 : 0,
      }));
      context.wakeNow(key);
    }
    if (hints.length < pageMax) return count;
    afterKey = hints.at(-1)!.key;
  }
}
