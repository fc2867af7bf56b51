import { Fault } from "../../core/errors/fault.js";
import type { Group } from "../../core/model/group.js";
import type { GroupKey } from "../../core/model/ids.js";
import { neededBy, revisionInUse } from "../../core/model/launches.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { RebuildOptions, RebuildOrder } from "../../core/model/rebuild.js";
import { outdatedBy } from "../../core/plan/fleet.js";
import { isCounted } from "../../core/plan/lifecycle.js";
import type {
  Caller,
  GivenRebuildOptions,
  GroupUseCases,
  GroupView,
  PlacementView,
  RebuildGroup,
} from "../api.js";
import type { Context } from "../context.js";
import {
  allPlacementsOf,
  ensurePlacements,
  liveGroup,
  placementsOf,
} from "../placements/ensure.js";
import { nearStates } from "../placements/near-state.js";
import { idBehind } from "../placements/pause-order.js";
import type { PlacementState } from "../placements/placement-state.js";
import { mayTurnBack, obeyRebuild } from "../placements/rebuild-order.js";

/** A person's word on a rebuild, for all of the group's placements that are served here (B8.5). */
export function createRebuild(
  context: Context,
  view: (key: GroupKey, caller: Caller) => Promise<GroupView>,
): GroupUseCases["rebuild"] {
  return async (request, caller) => {
    const order = await makeRebuildOrder(context, request, caller);
    await obeyRebuildHere(context, request.key, order, caller);
    return view(request.key, caller);
  };
}

/**
 * The order that all of the group's placements are given, wherever they are.
 *
 * @throws Fault `GROUP_NOT_FOUND`, `GROUP_DELETING`, `NO_WAY_BACK`
 */
export async function makeRebuildOrder(
  context: Context,
  { key, word }: RebuildGroup,
  { principal, signal }: Caller,
): Promise<RebuildOrder> {
  const { group } = await liveGroup(context, key, signal);
  if (group.deleting) throw new Fault("GROUP_DELETING", { say: "the group is being deleted" });
  await ensurePlacements(context, group, signal);
  const known = await nearDocs(context, group, signal);
  const isBack = word.kind === "rollBack";
  if (isBack && !known.some(({ rebuild }) => rebuild && mayTurnBack(group, rebuild)))
    throw new Fault("NO_WAY_BACK", { say: "there is no rebuild that could be taken back" });
  const heard = known.map((doc) => doc.rebuildOrder ?? "");
  return {
    id: idBehind(context.ids, heard),
    atMs: context.clock.nowMs(),
    principal,
    word: word.kind === "start" ? startOf(group, word.options) : { kind: word.kind },
  };
}

/** Has the placements that are served here take the order; on record when this returns. */
export async function obeyRebuildHere(
  context: Context,
  key: GroupKey,
  order: RebuildOrder,
  { signal }: Caller,
): Promise<void> {
  const { group } = await liveGroup(context, key, signal);
  await ensurePlacements(context, group, signal);
  for (const placement of placementsOf(context, group)) {
    const actor = context.placements.open(placement);
    // "It is so already" must not be said by memory: another node may have been told otherwise.
    actor.distrust();
    await actor.change((state) => {
      return { change: obeyRebuild(context, state, group, order), reply: undefined };
    });
    context.wakeNow(placement);
  }
}

function startOf(group: Group, given: GivenRebuildOptions): RebuildOrder["word"] {
  const options = { ...defaultsOf(group, given), ...given };
  return { kind: "start", revision: group.launchRevision, options };
}

/** One server more for a while, where the group grants no surge and none may be missing. */
function defaultsOf(
  { surge }: Group,
  { unavailable }: GivenRebuildOptions,
): Pick<RebuildOptions, "surge" | "unavailable"> {
  const most = unavailable ? surge : Math.max(1, surge);
  return {
    surge: { kind: "servers", servers: most },
    unavailable: { kind: "servers", servers: 0 },
  };
}

async function nearDocs(
  context: Context,
  group: Group,
  signal: AbortSignal,
): Promise<readonly PlacementDoc[]> {
  const states = await nearStates(context, allPlacementsOf(group), signal);
  return states.flatMap(({ doc }) => (doc ? [doc] : []));
}

/** The launch revisions that must be kept when a newer one comes (B8.5). */
export async function revisionsNeeded(
  context: Context,
  group: Group,
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  return new Set((await nearDocs(context, group, signal)).flatMap(neededBy));
}

/** What the placement makes servers from, and how its rebuild goes. */
export function launchView(
  group: Group,
  { doc, servers }: PlacementState,
): Pick<PlacementView, "launchRevision" | "rebuild"> {
  const launchRevision = revisionInUse(group, doc ?? {});
  const { rebuild: mark } = doc ?? {};
  if (!mark) return { launchRevision };
  const counted = [...servers.values()].filter(isCounted);
  const outdated = counted.filter(outdatedBy(mark));
  const isCurrent = (row: (typeof counted)[number]) =>
    row.state === "inService" && !outdated.includes(row);
  const causes = doc?.conditions
    .filter(({ type, holds }) => holds && (type === "rebuilding" || type === "degraded"))
    .flatMap((one) => one.causes)
    .filter(({ rule }) => rule === "B8.5");
  return {
    launchRevision,
    rebuild: {
      mark,
      current: counted.filter(isCurrent).length,
      outdated: outdated.length,
      causes: causes ?? [],
    },
  };
}
