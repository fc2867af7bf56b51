import type { Group } from "../model/group.js";
import type { PlacementDoc } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";

/** A placement as far as demand goes by it; a `PlacementState` fits. */
interface Serving {
  readonly doc: Pick<PlacementDoc, "target" | "pausedProcesses" | "vacant"> | undefined;
  readonly servers: ReadonlyMap<unknown, Pick<ServerRow, "state" | "inServiceAtMs">>;
}

/**
 * Servers asked for and neither in service (and warm) nor given up (B2.6). Places that stay vacant
 * while replacement is paused are nobody's answer.
 */
export function unansweredOf(
  { doc, servers }: Serving,
  { warmUpMs }: Pick<Group, "warmUpMs">,
  nowMs: number,
): number {
  if (!doc) return 0;
  let served = doc.pausedProcesses?.replacement ? (doc.vacant ?? 0) : 0;
  for (const { state, inServiceAtMs = nowMs } of servers.values())
    if (state === "inService" && nowMs >= inServiceAtMs + warmUpMs) served++;
  return Math.max(0, doc.target - served);
}
