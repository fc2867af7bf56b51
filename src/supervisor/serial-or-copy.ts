import { isFault } from "../core/errors/fault.js";
import type { Clock } from "../core/ports/clock.js";
import type { ReadCall } from "../core/ports/store.js";

export interface SerialOrCopy<Found> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly read: (call: ReadCall) => Promise<Found>;
  /** Whether the copy has it; if not, it may have been made since. */
  readonly isThere: (copy: Found) => boolean;
}

/** More than a busy store takes; a store that lost its other colos fails much later. */
const patienceMs = 2_000;

/**
 * Reads what most colos have agreed on; cut off from them, or where they take longer than two
 * seconds, what this colo's own copy has of it, which is better than nothing (M7.1).
 *
 * @throws Fault `STORE_UNAVAILABLE`: neither can be read, or the copy does not have it.
 */
export async function serialOrCopy<Found>(ask: SerialOrCopy<Found>): Promise<Found> {
  const { clock, signal, read, isThere } = ask;
  const serial = read({ signal });
  try {
    const soon = await withinPatience(clock, serial);
    if (soon) return soon.found;
  } catch (error) {
    if (!isFault(error, "STORE_UNAVAILABLE")) throw error;
  }
  const copy = await read({ signal, from: "replica" }).catch(() => undefined);
  return copy !== undefined && isThere(copy) ? copy : serial;
}

/** @returns undefined: not yet. */
async function withinPatience<Found>(clock: Clock, serial: Promise<Found>) {
  let giveUp: () => void = () => {};
  const late = new Promise<undefined>((resolve) => {
    giveUp = () => resolve(undefined);
  });
  const timer = clock.after(patienceMs, giveUp);
  try {
    return await Promise.race([serial.then((found) => ({ found })), late]);
  } finally {
    timer.cancel();
  }
}
