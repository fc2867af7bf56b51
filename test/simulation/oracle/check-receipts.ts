import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { MusterEvent } from "../../../src/core/model/event.js";
import type { Receipt } from "../../../src/core/model/scale-event.js";

/**
 * I6 by counting, over all placements and nodes: what a caller was answered is the receipt of
 * exactly one decided event, which was on record before the answer.
 */
export function createReceiptChecks() {
  const decided = new Map<
    string,
    { times: number; readonly receipt: Receipt | undefined; readonly colo: string }
  >();
  return {
    committed(events: readonly MusterEvent[]): void {
      for (const { id, type, receipt, colo } of events) {
        if (type !== "scale.decided") continue;
        const known = decided.get(id);
        if (known) known.times++;
        else decided.set(id, { times: 1, receipt, colo });
      }
    },
    decidedIn: (event: string) => decided.get(event)?.colo,
    answered(receipt: Receipt): Violation[] {
      const { eventId } = receipt;
      const one = decided.get(eventId);
      const same = JSON.stringify(one?.receipt) === JSON.stringify(receipt);
      if (one?.times === 1 && same) return [];
      const facts = { event: eventId, times: one?.times ?? 0, same };
      return [violation("I6", "B2.9", `${eventId}/answered`, facts)];
    },
  };
}
