import { cause } from "../../core/model/cause.js";
import type { Group } from "../../core/model/group.js";
import type { CarriedShare, PlacementDoc } from "../../core/model/placement.js";
import { carriedBy, type OtherPart } from "../../core/policy/carry.js";
import type { Context } from "../context.js";
import { allPlacementsOf } from "../placements/ensure.js";
import { nearState } from "../placements/near-state.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";

/** While shares are carried the others' copies are looked at so often. */
const lookMs = 5_000;

/**
 * Takes up shares of colos that cannot see to their own, and gives them back (B11.4).
 *
 * @returns when to look again; undefined: it carries nothing.
 */
export async function carryShares(
  context: Context,
  actor: PlacementActor,
  group: Group,
): Promise<number | undefined> {
  const { clock, signal } = context;
  const { doc } = await actor.state(signal);
  if (!group.spill && !doc?.carried) return undefined;
  const others = await otherParts(context, actor, group);
  const carried = await actor.change((state) => {
    const own = state.doc;
    if (!own || own.groupUid !== group.uid) return { change: {}, reply: [] };
    const next = carriedBy({ nowMs: clock.nowMs(), group, own, others });
    return { change: changeOf(context, own, next), reply: next };
  });
  return carried.length === 0 ? undefined : clock.nowMs() + lookMs;
}

function changeOf(
  { events }: Context,
  doc: PlacementDoc,
  next: readonly CarriedShare[],
): PlacementChange {
  const { carried = [], ...rest } = doc;
  if (next === carried || (next.length === 0 && carried.length === 0)) return {};
  const colos = new Set([...carried, ...next].map(({ colo }) => colo));
  const moved = [...colos].flatMap((colo) => {
    const was = carried.find((one) => one.colo === colo)?.servers ?? 0;
    const is = next.find((one) => one.colo === colo)?.servers ?? 0;
    if (was === is) return [];
    const code = is > was ? "SHARE_TAKEN" : "SHARE_GIVEN_BACK";
    const causes = [cause("B11.4", code, { colo, servers: is, before: was })];
    return [events.make("share.carried", { causes })];
  });
  return {
    doc: {
      ...rest,
      ...(next.length === 0 ? {} : { carried: next }),
      ...(moved.length === 0 ? {} : { movedBy: moved.at(-1)!.id }),
    },
    events: moved,
  };
}

async function otherParts(
  context: Context,
  actor: PlacementActor,
  group: Group,
): Promise<readonly OtherPart[]> {
  const { signal } = context;
  const states = await Promise.all(
    allPlacementsOf(group).map((key) =>
      key.colo === actor.key.colo ? actor.state(signal) : nearState(context, key, signal),
    ),
  );
  return states.flatMap((state): OtherPart[] => {
    const { doc, key, servers } = state;
    if (key.colo === actor.key.colo || doc?.groupUid !== group.uid) return [];
    const serving = [...servers.values()].filter((row) => row.state === "inService").length;
    return [
      {
        ...{ colo: key.colo, serving, max: doc.max, isPaused: doc.paused !== undefined },
        health: context.coloWatch.healthOf(key.colo),
        target: newestTarget(doc, states),
      },
    ];
  });
}

/** A share that was decided and could not be told yet counts as told. */
function newestTarget(doc: PlacementDoc, states: readonly PlacementState[]): number {
  let newest = { id: doc.lastDecision?.id ?? "", target: doc.target };
  for (const { deliveries } of states) {
    const told = deliveries.get(doc.key.colo);
    if (told && told.decisionId > newest.id) newest = { id: told.decisionId, target: told.target };
  }
  return doc.deleting ? 0 : Math.min(newest.target, Math.max(doc.max, doc.target));
}
