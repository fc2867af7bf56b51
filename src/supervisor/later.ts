import type { Clock, Timer } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";

/** Work that is done some time from now, and again a little later when it fails. */
export interface Later {
  (delayMs: number, task: () => Promise<void>): void;
  stop(): void;
}

const retryMs = 1_000;

export function createLater(deps: {
  readonly what: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Later {
  const { what, clock, log, signal } = deps;
  const timers = new Set<Timer>();
  let stopped = false;

  function later(delayMs: number, task: () => Promise<void>): void {
    if (stopped || signal.aborted) return;
    const timer = clock.after(delayMs, () => {
      timers.delete(timer);
      task().catch((error: unknown) => {
        if (signal.aborted) return;
        log.warn({ error: String(error) }, `${what} failed; it goes on later`);
        later(retryMs, task);
      });
    });
    timers.add(timer);
  }

  return Object.assign(later, {
    stop() {
      stopped = true;
      for (const timer of timers) timer.cancel();
    },
  });
}
