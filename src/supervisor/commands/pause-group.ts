import type { EventId, GroupKey } from "../../core/model/ids.js";
import { stopsAll } from "../../core/model/pause.js";
import type { Caller, GroupUseCases, GroupView } from "../api.js";
import type { Context } from "../context.js";
import { isAtRest } from "../events/lineage.js";
import { ensurePlacements, liveGroup, placementsOf } from "../placements/ensure.js";
import type { PlacementState } from "../placements/placement-state.js";

/** Pause and resume: a mark on every placement, so that it works in a cut-off colo (B8.3). */
export function createPause(
  context: Context,
  view: (key: GroupKey, caller: Caller) => Promise<GroupView>,
): Pick<GroupUseCases, "pause" | "resume"> {
  async function mark(
    key: GroupKey,
    caller: Caller,
    edit: (state: PlacementState, event: EventId) => Pick<PlacementState, "doc">,
    subject: { readonly type: "group.paused" | "group.resumed"; readonly message?: string },
  ): Promise<GroupView> {
    const { group } = await liveGroup(context, key, caller.signal);
    await ensurePlacements(context, group, caller.signal);
    const { principal } = caller;
    for (const placement of placementsOf(context, group)) {
      const actor = context.placements.open(placement);
      // "It is so already" must not be said by memory: another node may have been told otherwise.
      actor.distrust();
      await actor.change((state) => {
        const { type, message } = subject;
        const event = context.events.make(type, { principal, ...(message ? { message } : {}) });
        const { doc } = edit(state, event.id);
        if (!doc || doc === state.doc) return { change: {}, reply: undefined };
        return { change: { doc, events: [event] }, reply: undefined };
      });
      context.wake(placement);
    }
    return view(key, caller);
  }

  return {
    pause(key, reason, caller) {
      const sinceMs = context.clock.nowMs();
      const { principal } = caller;
      const message = reason ? `The group was paused: ${reason}` : "The group was paused";
      return mark(
        key,
        caller,
        ({ doc }, event) => {
          if (!doc || stopsAll(doc.paused)) return { doc };
          const by = isAtRest(doc) ? { by: event } : {};
          return { doc: { ...doc, paused: { sinceMs, reason, principal, ...by } } };
        },
        { type: "group.paused", message },
      );
    },
    resume(key, caller) {
      return mark(
        key,
        caller,
        ({ doc }, event) => {
          if (!doc?.paused) return { doc };
          const { paused, resumedBy: _before, ...rest } = doc;
          return { doc: paused.by ? { ...rest, resumedBy: event } : rest };
        },
        { type: "group.resumed" },
      );
    },
  };
}
