import type { Group } from "../../core/model/group.js";
import type { ColoId, PlacementKey } from "../../core/model/ids.js";
import { donorsFor, keepsFrom } from "../../core/policy/limit-moves.js";
import type { Context } from "../context.js";
import { isUnanswered } from "../peers/ask-peer.js";
import { nearState } from "./near-state.js";
import { standingOf } from "./standing.js";

/** The colos that keep the placement's max from being raised, as they are seen here (B11.4). */
export async function raiseWaitsOf(
  context: Context,
  group: Group,
  { colo }: PlacementKey,
  signal: AbortSignal,
): Promise<readonly ColoId[]> {
  const found = await Promise.all(
    donorsFor(group, colo).map(async (donor): Promise<ColoId[]> => {
      const key: PlacementKey = { account: group.account, group: group.id, colo: donor };
      const { doc } = await nearState(context, key, signal);
      const own = doc?.groupUid === group.uid ? doc : undefined;
      if (!keepsFrom(group, donor, own)) return [];
      const hasLeft = !group.placements.some((one) => one.colo === donor);
      return !own && hasLeft && (await isGone(context, key, signal)) ? [] : [donor];
    }),
  );
  return found.flat();
}

/** A copy that lacks it does not tell what is gone from what has yet to come. */
async function isGone(context: Context, key: PlacementKey, signal: AbortSignal): Promise<boolean> {
  try {
    const caller = { principal: `muster:${context.node}`, signal };
    return (await standingOf(context, key, caller)).isGone;
  } catch (error) {
    if (isUnanswered(error)) return false;
    throw error;
  }
}
