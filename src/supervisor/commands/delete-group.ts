import { Fault } from "../../core/errors/fault.js";
import type { Group } from "../../core/model/group.js";
import type { Caller, DeleteGroup } from "../api.js";
import type { Context } from "../context.js";
import { checkGeneration } from "../group-book.js";
import { isUnanswered } from "../peers/ask-peer.js";
import { tellElsewhere } from "../peers/tell-elsewhere.js";
import {
  allPlacementsOf,
  ensurePlacements,
  groupIn,
  liveGroup,
  placementsOf,
} from "../placements/ensure.js";
import { finishDelete } from "../placements/finish-delete.js";
import { standingOf } from "../placements/standing.js";

/** Deletes a group: at once when it is empty, by draining it when forced (B8.4). */
export function createDeleteGroup(context: Context) {
  async function isEmpty(group: Group, caller: Caller): Promise<boolean> {
    const standings = await Promise.all(
      allPlacementsOf(group).map((one) => standingOf(context, one, caller)),
    );
    return standings.every((one) => one.isEmpty);
  }

  return async (
    { key, force, expectedGeneration }: DeleteGroup,
    caller: Caller,
  ): Promise<{ readonly draining: boolean }> => {
    const { signal } = caller;
    const { group: before } = await liveGroup(context, key, signal);
    if (!force && !(await isEmpty(before, caller))) {
      throw new Fault("GROUP_NOT_EMPTY", {
        say: "the group still has servers, or a target above 0; force drains it first",
        facts: { group: key.group },
      });
    }
    const { principal } = caller;
    const group = await context.groups.change(
      key,
      (entry) => {
        const now = groupIn(entry, key);
        checkGeneration(now, expectedGeneration);
        if (now.deleting) return { change: {}, reply: now };
        const { generation } = now;
        const changed = { generation: generation + 1, changedBy: principal };
        const next = { ...now, deleting: true, ...changed };
        return { change: { group: next }, reply: next };
      },
      signal,
    );
    await ensurePlacements(context, group, signal);
    await tellElsewhere(context, group, caller);
    for (const one of placementsOf(context, before))
      await finishDelete(context, context.placements.open(one), group).catch(leaveToTurns);
    const { group: left } = await context.groups.get(key, signal);
    return { draining: left !== undefined };
  };
}

/** That it ends is on record: while another colo cannot be asked, the turns go on asking. */
function leaveToTurns(error: unknown): void {
  if (!isUnanswered(error)) throw error;
}
