import type { GroupKey } from "../../core/model/ids.js";
import type { PauseOrder } from "../../core/model/pause.js";
import type { Caller, GroupUseCases, GroupView } from "../api.js";
import type { Context } from "../context.js";
import { ensurePlacements, liveGroup, placementsOf } from "../placements/ensure.js";
import { nextOrderId, obeyOrder } from "../placements/pause-order.js";

/** Pause and resume: marks on every placement, so that it works in a cut-off colo (B8.3). */
export function createPause(
  context: Context,
  view: (key: GroupKey, caller: Caller) => Promise<GroupView>,
): Pick<GroupUseCases, "pause" | "resume"> {
  async function give(
    key: GroupKey,
    caller: Caller,
    word: Pick<PauseOrder, "pause" | "processes">,
  ): Promise<GroupView> {
    const atMs = context.clock.nowMs();
    const { group } = await liveGroup(context, key, caller.signal);
    await ensurePlacements(context, group, caller.signal);
    const { principal } = caller;
    for (const placement of placementsOf(context, group)) {
      const actor = context.placements.open(placement);
      // "It is so already" must not be said by memory: another node may have been told otherwise.
      actor.distrust();
      await actor.change((state) => {
        const order = { id: nextOrderId(context, state), atMs, principal, ...word };
        return { change: obeyOrder(context, state, order), reply: undefined };
      });
      context.wakeNow(placement);
    }
    return view(key, caller);
  }

  return {
    pause: (key, reason, caller, processes) =>
      give(key, caller, { pause: { reason }, ...(processes && { processes }) }),
    resume: (key, caller, processes) => give(key, caller, processes ? { processes } : {}),
  };
}
