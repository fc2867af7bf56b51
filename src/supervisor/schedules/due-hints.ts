import type { Group } from "../../core/model/group.js";
import type { Hint } from "../../core/ports/store.js";
import type { Context } from "../context.js";
import { allPlacementsOf } from "../placements/ensure.js";
import { dueHint } from "../placements/hints.js";

/** In every colo of the group: each walks from one due time to the next by itself. */
export function dueHintsOf(context: Context, group: Group, atMs: number): readonly Hint[] {
  // All colos have equally many shards: any colo's leases tell.
  const [colo] = context.colos.values();
  const shard = colo!.leases.shardOf({ account: group.account, group: group.id });
  return allPlacementsOf(group).map((key) => dueHint({ key, shard, atMs }));
}
