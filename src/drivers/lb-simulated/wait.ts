import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Clock } from "../../core/ports/clock.js";

/** Resolves after `delayMs`. @throws OutsideFault `temporary`, ambiguous, when aborted before */
export function waitFor(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (delayMs <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const abort = () => {
      timer.cancel();
      const message = "the call was aborted while it ran";
      reject(new OutsideFault("temporary", message, { ambiguous: true }));
    };
    const timer = clock.after(delayMs, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}
