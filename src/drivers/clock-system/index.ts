import { performance } from "node:perf_hooks";
import { monotonicFactory } from "ulid";
import type { Clock, Ids } from "../../core/ports/clock.js";

export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after(delayMs, task) {
      const timer = setTimeout(task, Math.min(Math.max(0, delayMs), timerDelayMsMax));
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** Node fires a longer timer at once; waking too early is harmless, never waking is not. */
const timerDelayMsMax = 2 ** 31 - 1;

export function createSystemIds(): Ids {
  const ulid = monotonicFactory();
  return {
    next: () => ulid().toLowerCase(),
    random: () => Math.random(),
  };
}
