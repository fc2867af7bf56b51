import type { Clock, Ids } from "../../src/core/ports/clock.js";

/** A clock that moves only when told to, and ids and chance that one seed fixes. */
export interface VirtualClock extends Clock {
  /** Moves on by `ms`, running every timer that falls due, each after all pending promises. */
  advance(ms: number): Promise<void>;
}

export function createVirtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs;
  let nextId = 0;
  const timers = new Map<number, { dueMs: number; task: () => void }>();

  const earliest = (untilMs: number) => {
    let found: [number, { dueMs: number; task: () => void }] | undefined;
    for (const entry of timers)
      if (entry[1].dueMs <= untilMs && (!found || entry[1].dueMs < found[1].dueMs)) found = entry;
    return found;
  };

  return {
    nowMs: () => Math.floor(nowMs),
    monotonicMs: () => nowMs - startMs,
    after(delayMs, task) {
      const id = nextId++;
      timers.set(id, { dueMs: nowMs + Math.max(0, delayMs), task });
      return { cancel: () => void timers.delete(id) };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let next = earliest(untilMs); next; next = earliest(untilMs)) {
        timers.delete(next[0]);
        nowMs = Math.max(nowMs, next[1].dueMs);
        next[1].task();
        await settle();
      }
      nowMs = untilMs;
    },
  };
}

/** Lets every promise that can go on go on. Code under a virtual clock does no real I/O. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
}

export function createSeededIds(seed: number): Ids {
  const random = createRandom(seed);
  let count = 0;
  return {
    next: () => `id${String(++count).padStart(6, "0")}s${seed}`,
    random,
  };
}

/** mulberry32: small, fast and good enough to spread test cases. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
