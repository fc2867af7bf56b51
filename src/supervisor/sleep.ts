import { Fault } from "../core/errors/fault.js";
import type { Clock } from "../core/ports/clock.js";

/** Resolves after the delay. @throws Fault `CANCELLED` as soon as the signal aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      timer.cancel();
      reject(new Fault("CANCELLED", { say: "no longer waited for" }));
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
