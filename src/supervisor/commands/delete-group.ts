import { Fault } from "../../core/errors/fault.js";
import type { Caller, DeleteGroup } from "../api.js";
import type { Context } from "../context.js";
import { checkGeneration } from "../group-book.js";
import { allPlacementsOf, ensurePlacements, liveGroup } from "../placements/ensure.js";
import { finishDelete, isEmpty } from "../placements/finish-delete.js";

/** Deletes a group: at once when it is empty, by draining it when forced (B8.4). */
export function createDeleteGroup(context: Context) {
  return async (
    { key, force, expectedGeneration }: DeleteGroup,
    { principal, signal }: Caller,
  ): Promise<{ readonly draining: boolean }> => {
    const { group: before } = await liveGroup(context, key, signal);
    const actors = allPlacementsOf(before).map((one) => context.placements.open(one));
    const states = await Promise.all(actors.map((actor) => actor.state(signal)));
    const empty = states.every((one) => isEmpty(context, one) && (one.doc?.target ?? 0) === 0);
    if (!force && !empty) {
      throw new Fault("GROUP_NOT_EMPTY", {
        say: "the group still has servers, or a target above 0; force drains it first",
        facts: { group: key.group },
      });
    }
    const group = await context.groups.change(
      key,
      (entry) => {
        if (!entry.group)
          throw new Fault("GROUP_NOT_FOUND", { say: `there is no group ${key.group}` });
        checkGeneration(entry.group, expectedGeneration);
        if (entry.group.deleting) return { change: {}, reply: entry.group };
        const { generation } = entry.group;
        const changed = { generation: generation + 1, changedBy: principal };
        const next = { ...entry.group, deleting: true, ...changed };
        return { change: { group: next }, reply: next };
      },
      signal,
    );
    await ensurePlacements(context, group, signal);
    const here = actors.filter((actor) => context.colos.has(actor.key.colo));
    for (const actor of here) await finishDelete(context, actor, group);
    const { group: left } = await context.groups.get(key, signal);
    return { draining: left !== undefined };
  };
}
