import type { ColoUseCases, ColoView } from "../api.js";
import { type Elsewhere, isUnanswered } from "./ask-peer.js";

/** What is asked of a colo is done by a node that serves it. */
export function routeColos(own: ColoUseCases, { colos, ask }: Elsewhere): ColoUseCases {
  return {
    ...own,
    /** Those that can be reached. */
    async list(caller) {
      const others = [...colos].map((colo) =>
        ask(colo, "colos.get", { colo }, caller).then(
          (view) => [view],
          (error: unknown): ColoView[] => {
            if (isUnanswered(error)) return [];
            throw error;
          },
        ),
      );
      const views = [...(await own.list(caller)), ...(await Promise.all(others)).flat()];
      return views.toSorted((a, b) => (a.colo < b.colo ? -1 : 1));
    },
    async get(colo, caller) {
      return colos.has(colo) ? ask(colo, "colos.get", { colo }, caller) : own.get(colo, caller);
    },
    async setBrake(request, caller) {
      if (!colos.has(request.colo)) return own.setBrake(request, caller);
      return ask(request.colo, "colos.setBrake", request, caller);
    },
    async clearBrake(request, caller) {
      if (!colos.has(request.colo)) return own.clearBrake(request, caller);
      return ask(request.colo, "colos.clearBrake", request, caller);
    },
    async quarantine(request, caller) {
      if (!colos.has(request.colo)) return own.quarantine(request, caller);
      return ask(request.colo, "colos.quarantine", request, caller);
    },
  };
}
