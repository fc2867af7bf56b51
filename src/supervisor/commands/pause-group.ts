import type { GroupKey } from "../../core/model/ids.js";
import { stopsAll } from "../../core/model/pause.js";
import type { Caller, GroupUseCases, GroupView } from "../api.js";
import type { Context } from "../context.js";
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
    edit: (state: PlacementState) => Pick<PlacementState, "doc">,
    subject: { readonly type: "group.paused" | "group.resumed"; readonly message?: string },
  ): Promise<GroupView> {
    const { group } = await liveGroup(context, key, caller.signal);
    await ensurePlacements(context, group, caller.signal);
    const { principal } = caller;
    for (const placement of placementsOf(context, group)) {
      await context.placements.open(placement).change((state) => {
        const { doc } = edit(state);
        if (!doc || doc === state.doc) return { change: {}, reply: undefined };
        const { type, message } = subject;
        const event = context.events.make(type, { principal, ...(message ? { message } : {}) });
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
        ({ doc }) => ({
          doc:
            doc && !stopsAll(doc.paused) ? { ...doc, paused: { sinceMs, reason, principal } } : doc,
        }),
        { type: "group.paused", message },
      );
    },
    resume(key, caller) {
      return mark(
        key,
        caller,
        ({ doc }) => {
          if (!doc?.paused) return { doc };
          const { paused: _paused, ...rest } = doc;
          return { doc: rest };
        },
        { type: "group.resumed" },
      );
    },
  };
}
