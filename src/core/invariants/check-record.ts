import type { MusterEvent } from "../model/event.js";
import type { CommitSeen } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/** I7 at the commit: sequences go on from the last one, in this placement's name. */
export function checkSequences({ before, after, events }: CommitSeen): readonly Violation[] {
  const found: Violation[] = [];
  let last = before.lastSequence;
  for (const event of events) {
    const gap = checkNext(last, event);
    if (gap) found.push(gap);
    const { account, group, colo } = after.key;
    if (event.account !== account || event.group !== group || event.colo !== colo)
      found.push(violation("I7", "M3.1", `${event.id}/placement`, { event: event.id }));
    last = event.sequence;
  }
  if (after.lastSequence !== last) {
    const facts = { sequence: after.lastSequence, expected: last };
    found.push(violation("I7", "M3.1", `${after.lastSequence}/last`, facts));
  }
  return found;
}

/** I7 for whoever reads events in order: the next one is the next number. */
export function checkNext(lastSequence: number, event: MusterEvent): Violation | undefined {
  const { sequence, id } = event;
  if (sequence === lastSequence + 1) return undefined;
  const facts = { sequence, expected: lastSequence + 1, event: id };
  return violation("I7", "M3.1", `${sequence}`, facts);
}

/** I6 at the commit: a decided event carries its receipt, and a stored receipt its event. */
export function checkReceipts({ events, receipts, before }: CommitSeen): readonly Violation[] {
  const decided = new Map<string, number>();
  const found: Violation[] = [];
  for (const { id, type, receipt } of events) {
    if (type !== "scale.decided") continue;
    decided.set(id, (decided.get(id) ?? 0) + 1);
    if (receipt?.eventId !== id || receipt.causes.length + receipt.placements.length === 0)
      found.push(violation("I6", "B2.9", id, { event: id, receipt: receipt?.eventId ?? "" }));
  }
  for (const { key, receipt } of receipts) {
    const times = decided.get(receipt.eventId) ?? 0;
    const facts = { event: receipt.eventId, times, group: before.key.group };
    if (times !== 1) found.push(violation("I6", "B3.1", `${key}/stored`, facts));
  }
  for (const [id, times] of decided)
    if (times > 1) found.push(violation("I6", "B2.9", `${id}/twice`, { event: id, times }));
  return found;
}
