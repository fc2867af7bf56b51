import { isFault } from "../core/errors/fault.js";
import type { ReadCall } from "../core/ports/store.js";

/**
 * Reads what most colos have agreed on; cut off from them, what this colo's own copy has of it,
 * which is better than nothing (M7.1).
 *
 * @param isThere whether the copy has it; if not, it may have been made since
 * @throws Fault `STORE_UNAVAILABLE`: neither can be read, or the copy does not have it.
 */
export async function serialOrCopy<Found>(
  read: (call: ReadCall) => Promise<Found>,
  signal: AbortSignal,
  isThere: (copy: Found) => boolean,
): Promise<Found> {
  try {
    return await read({ signal });
  } catch (error) {
    if (!isFault(error, "STORE_UNAVAILABLE")) throw error;
    const copy = await read({ signal, from: "replica" });
    if (!isThere(copy)) throw error;
    return copy;
  }
}
