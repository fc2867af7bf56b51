import { randomBytes } from "node:crypto";
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

/** Chance for ids, one byte a draw, asked of the system for many at once. */
function createByteSource(): () => number {
  let pool = randomBytes(pooledBytes);
  let used = 0;
  return () => {
    if (used === pool.length) {
      pool = randomBytes(pooledBytes);
      used = 0;
    }
    return pool[used++]! / 256;
  };
}

const pooledBytes = 4_096;

export function createSystemIds(): Ids {
  const ulid = monotonicFactory(createByteSource());
  return {
    next: () => ulid().toLowerCase(),
    random: () => Math.random(),
  };
}
