import type { AdmissionLimits } from "../../core/admission/model.js";
import { type Admission, type Api, callClasses, type Source, type Ticket } from "./admission.js";

/**
 * An admission that holds nothing back. It shows in the outage drill what the controller is for
 * (B9.4), and nothing but an embedder's code can ask for it.
 */
export function createFreeAdmission(api: Api, { inFlightMax }: AdmissionLimits): Admission {
  const ticket: Ticket = { end: () => {}, drop: () => {} };
  let source: Source | undefined;
  let pumping = false;
  return {
    enter: async () => ticket,
    feedFrom(one) {
      source = one;
    },
    stir() {
      if (pumping) return;
      pumping = true;
      const next = () => callClasses.find((one) => source?.has(one));
      for (let one = next(); one; one = next()) source!.start(one, ticket);
      pumping = false;
    },
    startable: () => Number.POSITIVE_INFINITY,
    busy: () => undefined,
    view: () => ({
      ...{ api, phase: "closed", sinceMs: 0, inFlight: 0, unanswered: 0, inFlightMax, share: 1 },
      ...{ perSecondMax: undefined, notBeforeMs: undefined, lastFault: undefined },
      waiting: { read: 0, delete: 0, urgent: 0, change: 0 },
      oldestWaitMs: 0,
    }),
  };
}
