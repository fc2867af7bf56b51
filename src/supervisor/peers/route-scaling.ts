import { Fault, isFault } from "../../core/errors/fault.js";
import type { ScalingUseCases } from "../api.js";
import type { Context } from "../context.js";
import { liveGroup } from "../placements/ensure.js";
import type { Elsewhere } from "./ask-peer.js";

/** Scale events go to the first colo of the group's list that can be reached (B11.2). */
export function routeScaling(
  context: Context,
  own: ScalingUseCases,
  { ask }: Elsewhere,
): ScalingUseCases {
  return {
    async submit(request, caller) {
      const { group } = await liveGroup(context, request.key, caller.signal);
      // Without a lasting name a repeat, when the answer is lost, would be another event.
      const named = { ...request, requestId: request.requestId ?? context.ids.next() };
      for (const { colo } of group.placements) {
        if (context.colos.has(colo)) return own.submit(request, caller);
        try {
          return await ask(colo, "scaling.submit", named, caller);
        } catch (error) {
          if (!cannotDecide(error)) throw error;
        }
      }
      throw new Fault("COLO_UNREACHABLE", {
        say: `no colo of group ${group.id} can be reached`,
        retryAfterMs: 5_000,
      });
    },
  };
}

/** Certainly nothing was decided there: the next colo of the list may. */
function cannotDecide(error: unknown): boolean {
  return isFault(error, "COLO_UNREACHABLE") || isFault(error, "STORE_UNAVAILABLE");
}
