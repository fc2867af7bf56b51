import { Fault } from "../../core/errors/fault.js";
import type { GroupKey } from "../../core/model/ids.js";
import type { Acknowledgement } from "../../core/model/placement.js";
import type { Caller, GroupUseCases, GroupView } from "../api.js";
import type { Context } from "../context.js";
import { liveGroup, placementsOf } from "../placements/ensure.js";

/** Replacement goes on for so long, then whoever is there is asked again (B9.2). */
const acknowledgedMs = 15 * 60_000;

/** A person says that replacement shall go on in spite of a hold. */
export function createAcknowledgeHold(
  context: Context,
  view: (key: GroupKey, caller: Caller) => Promise<GroupView>,
): GroupUseCases["acknowledgeHold"] {
  return async (key, reason, caller) => {
    const { principal, signal } = caller;
    const { group } = await liveGroup(context, key, signal);
    let held = 0;
    for (const placement of placementsOf(context, group)) {
      const done = await context.placements.open(placement).change(({ doc }) => {
        if (!doc?.hold) return { change: {}, reply: false };
        const atMs = context.clock.nowMs();
        const acknowledged: Acknowledgement = {
          ...{ atMs, untilMs: atMs + acknowledgedMs },
          ...{ reason, principal },
        };
        const { hold: _hold, ...rest } = doc;
        const facts = { reason, untilMs: acknowledged.untilMs };
        const event = context.events.make("group.acknowledged", { principal, facts });
        return { change: { doc: { ...rest, acknowledged }, events: [event] }, reply: true };
      });
      if (!done) continue;
      held++;
      context.wakeNow(placement);
    }
    if (held === 0)
      throw new Fault("NOTHING_HELD", { say: "nothing of this group waits for a person" });
    return view(key, caller);
  };
}
