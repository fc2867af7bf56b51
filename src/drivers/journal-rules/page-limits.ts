import assert from "node:assert/strict";
import { type JournalQuery, journalLimits } from "../../core/ports/journal.js";

/** A page holds at most this many events, whatever is asked for. */
export const eventsPerPageMax = 1_000;

export function boundEvents(asked: number): number {
  assert(Number.isInteger(asked) && asked >= 1, `a page of ${asked} cannot be read`);
  return Math.min(asked, eventsPerPageMax);
}

export function boundIds({ ids = [], parents = [] }: JournalQuery): void {
  const { idsMax } = journalLimits;
  assert(ids.length <= idsMax && parents.length <= idsMax, `more than ${idsMax} ids in a query`);
}
