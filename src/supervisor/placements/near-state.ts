import type { ColoId, PlacementKey } from "../../core/model/ids.js";
import type { Context } from "../context.js";
import { type PlacementState, placementPartition, stateKinds, stateOf } from "./placement-state.js";

/**
 * A placement as it can be read here: the newest state where its colo is served by this node, else
 * the local copy's, which may be old, and is never decided on for that placement.
 */
export async function nearState(
  context: Pick<Context, "store" | "placements" | "elsewhere">,
  key: PlacementKey,
  signal: AbortSignal,
): Promise<PlacementState> {
  if (!context.elsewhere?.colos.has(key.colo)) return context.placements.open(key).state(signal);
  const call = { signal, from: "replica" } as const;
  return stateOf(key, await context.store.load(placementPartition(key), stateKinds, call));
}

/** The same of several, in their order. */
export function nearStates(
  context: Pick<Context, "store" | "placements" | "elsewhere">,
  keys: readonly PlacementKey[],
  signal: AbortSignal,
): Promise<readonly PlacementState[]> {
  return Promise.all(keys.map((key) => nearState(context, key, signal)));
}

/** For what is told of another colo's placement: how old it may be. */
export function copySeen(
  { coloWatch }: Pick<Context, "coloWatch">,
  colo: ColoId,
): { readonly copySeenAtMs?: number } {
  const copySeenAtMs = coloWatch.copySeenAtMs(colo);
  return copySeenAtMs === undefined ? {} : { copySeenAtMs };
}
