import type { Clock } from "../../src/core/ports/clock.js";

/**
 * A virtual clock that runs by itself: whenever something waits, time jumps to what is due next.
 * Latencies cost no real time, and their order is that of the virtual clock alone.
 */
export interface RunningClock extends Clock {
  advance(ms: number): void;
}

export function createRunningClock(startMs = Date.UTC(2026, 0, 1)): RunningClock {
  let nowMs = startMs;
  let running = false;
  const timers = new Set<{ readonly dueMs: number; readonly task: () => void }>();

  const runNext = () => {
    running = false;
    let next: { readonly dueMs: number; readonly task: () => void } | undefined;
    for (const timer of timers) if (!next || timer.dueMs < next.dueMs) next = timer;
    if (!next) return;
    timers.delete(next);
    nowMs = Math.max(nowMs, next.dueMs);
    next.task();
    run();
  };
  const run = () => {
    if (running || timers.size === 0) return;
    running = true;
    setImmediate(runNext);
  };

  return {
    nowMs: () => Math.floor(nowMs),
    monotonicMs: () => nowMs - startMs,
    after(delayMs, task) {
      const timer = { dueMs: nowMs + Math.max(0, delayMs), task };
      timers.add(timer);
      run();
      return { cancel: () => void timers.delete(timer) };
    },
    advance(ms) {
      nowMs += ms;
    },
  };
}
