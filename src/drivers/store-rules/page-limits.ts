import assert from "node:assert/strict";

/** A page holds at most this many, whatever is asked for: answers must fit into memory. */
export const pageLimits = {
  entriesMax: 5_000,
  hintsMax: 5_000,
  keysMax: 5_000,
  namesMax: 5_000,
} as const;

/** @throws AssertionError: nobody means to ask for less than one. */
export function boundPage(asked: number, max: number): number {
  assert(Number.isInteger(asked) && asked >= 1, `a page of ${asked} cannot be read`);
  return Math.min(asked, max);
}
