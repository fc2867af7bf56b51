import type { Clock } from "../../core/ports/clock.js";
import { abortedFault } from "../store-rules/aborted.js";
import { onAbort } from "../store-rules/on-abort.js";

/** @throws Fault `CANCELLED`, `DEADLINE_EXCEEDED`: the signal aborted meanwhile */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw abortedFault(signal);
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      stopListening();
      resolve();
    });
    const stopListening = onAbort(signal, () => {
      timer.cancel();
      reject(abortedFault(signal));
    });
  });
}
