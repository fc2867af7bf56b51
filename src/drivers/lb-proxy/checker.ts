import type { Clock, Ids, Timer } from "../../core/ports/clock.js";
import type { HealthCheckOptions } from "./options.js";
import { type ProbeTarget, probe } from "./probe.js";

/** Probes of one load balancer that run at once; the rest wait their turn. */
const probesMax = 64;
/** Members put together must not be checked together for ever: each wait varies by this share. */
const jitterShare = 0.1;

export interface Checker {
  /**
   * Checks the target now, and then after every interval, until the returned function is called.
   */
  watch(target: ProbeTarget, report: (passed: boolean) => void): () => void;
  close(): void;
}

export function createChecker(check: HealthCheckOptions, clock: Clock, ids: Ids): Checker {
  const closing = new AbortController();
  /** Bounded by the members: each is in it once at most. */
  const waiting = new Set<() => void>();
  let running = 0;

  const startWaiting = () => {
    for (const start of waiting) {
      if (running >= probesMax) return;
      waiting.delete(start);
      start();
    }
  };

  return {
    watch(target, report) {
      const stopping = new AbortController();
      const signal = AbortSignal.any([stopping.signal, closing.signal]);
      let timer: Timer | undefined;
      signal.addEventListener("abort", () => timer?.cancel(), { once: true });
      const run = async () => {
        running++;
        const passed = await probe(target, check, clock, signal);
        running--;
        startWaiting();
        if (signal.aborted) return;
        report(passed);
        const spread = 1 + jitterShare * (2 * ids.random() - 1);
        timer = clock.after(check.intervalMs * spread, enqueue);
      };
      const start = () => void run();
      const enqueue = () => {
        if (signal.aborted) return;
        waiting.add(start);
        startWaiting();
      };
      enqueue();
      return () => {
        waiting.delete(start);
        stopping.abort();
      };
    },
    close() {
      waiting.clear();
      closing.abort();
    },
  };
}
