import assert from "node:assert/strict";

/** A page holds at most this many events, whatever is asked for. */
export const eventsPerPageMax = 1_000;

export function boundEvents(asked: number): number {
  assert(Number.isInteger(asked) && asked >= 1, `a page of ${asked} cannot be read`);
  return Math.min(asked, eventsPerPageMax);
}
