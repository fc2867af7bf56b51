import type { ColoUseCases } from "../api.js";
import { type Elsewhere, inItsColo, ofReached } from "./ask-peer.js";

/** What is asked of a colo is done by a node that serves it. */
export function routeColos(own: ColoUseCases, elsewhere: Elsewhere): ColoUseCases {
  const { colos, ask } = elsewhere;
  return {
    ...own,
    /** Those that can be reached. */
    async list(caller) {
      const others = await ofReached(elsewhere, (colo) => ask(colo, "colos.get", { colo }, caller));
      const views = [...(await own.list(caller)), ...others];
      return views.toSorted((a, b) => (a.colo < b.colo ? -1 : 1));
    },
    async get(colo, caller) {
      return colos.has(colo) ? ask(colo, "colos.get", { colo }, caller) : own.get(colo, caller);
    },
    setBrake: inItsColo(elsewhere, "colos.setBrake", own.setBrake),
    clearBrake: inItsColo(elsewhere, "colos.clearBrake", own.clearBrake),
    async *audit(request, caller) {
      if (!colos.has(request.colo)) yield* own.audit(request, caller);
      else yield* await ask(request.colo, "colos.audit", request, caller);
    },
    async repin(request, caller) {
      if (!colos.has(request.colo)) return own.repin(request, caller);
      const { project, before } = await ask(request.colo, "colos.repin", request, caller);
      return { project, before: before ?? undefined };
    },
    quarantine: inItsColo(elsewhere, "colos.quarantine", own.quarantine),
  };
}
