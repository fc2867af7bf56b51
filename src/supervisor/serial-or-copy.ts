import { isFault } from "../core/errors/fault.js";
import type { ReadCall } from "../core/ports/store.js";

/**
 * Reads what most colos have agreed on; cut off from them, what this colo's own copy has of it,
 * which is better than nothing (M7.1).
 *
 * @throws Fault `STORE_UNAVAILABLE`: the copy has nothing of it either, and it may have been made
 *   since.
 */
export async function serialOrCopy<Found>(
  read: (call: ReadCall) => Promise<Found | undefined>,
  signal: AbortSignal,
): Promise<Found | undefined> {
  try {
    return await read({ signal });
  } catch (error) {
    if (!isFault(error, "STORE_UNAVAILABLE")) throw error;
    const copy = await read({ signal, from: "replica" });
    if (copy === undefined) throw error;
    return copy;
  }
}
