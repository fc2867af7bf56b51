import type { PlacementKey } from "../../core/model/ids.js";
import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import type { Standing } from "../peers/commands.js";
import type { PlacementState } from "./placement-state.js";

/** @throws Fault `COLO_UNREACHABLE`, `PEER_UNKNOWN`: another colo's, and nobody there answers. */
export async function standingOf(
  context: Context,
  key: PlacementKey,
  caller: Caller,
): Promise<Standing> {
  const { elsewhere } = context;
  if (elsewhere?.colos.has(key.colo))
    return elsewhere.ask(key.colo, "placements.standing", key, caller);
  const state = await context.placements.open(key).state(caller.signal);
  const isEmpty = isEmptied(context, state) && (state.doc?.target ?? 0) === 0;
  return { isEmpty, isGone: state.doc === undefined };
}

/**
 * Nothing of it is left in the cloud, nor may be: intentions that were given up were looked up in
 * vain, and a while has passed in which a late server would have shown up.
 */
export function isEmptied(context: Context, state: PlacementState): boolean {
  const cloud = context.colos.get(state.key.colo)?.outside.cloud;
  const lateMs = cloud ? cloud.createDeadlineMs + cloud.listingLagMs : lateMsElsewhere;
  return [...state.servers.values()].every(
    (row) => row.state === "abandoned" && context.clock.nowMs() >= row.sinceMs + lateMs,
  );
}

/** Where nobody serves the colo, and its cloud's own times are not known. */
const lateMsElsewhere = 10 * 60_000;
