import type { ColoUseCases, ColoView } from "../api.js";
import { type Elsewhere, inItsColo, isUnanswered } from "./ask-peer.js";

/** What is asked of a colo is done by a node that serves it. */
export function routeColos(own: ColoUseCases, elsewhere: Elsewhere): ColoUseCases {
  const { colos, ask } = elsewhere;
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
    setBrake: inItsColo(elsewhere, "colos.setBrake", own.setBrake),
    clearBrake: inItsColo(elsewhere, "colos.clearBrake", own.clearBrake),
    quarantine: inItsColo(elsewhere, "colos.quarantine", own.quarantine),
  };
}
