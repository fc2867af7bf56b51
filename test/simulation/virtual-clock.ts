import type { Clock, Ids } from "../../src/core/ports/clock.js";

/** A clock that moves only when told to, and ids and chance that one seed fixes. */
export interface VirtualClock extends Clock {
  /**
   * Moves on by `ms`, running every timer that falls due. Timers of one moment run in the order in
   * which they were set, and then every promise that can go on goes on.
   */
  advance(ms: number): Promise<void>;
  /** Moves on to the next moment at which a timer falls due. False when there is none by then. */
  next(withinMs?: number): Promise<boolean>;
}

interface Due {
  readonly dueMs: number;
  readonly serial: number;
  /** Undefined once it was cancelled. */
  task: (() => void) | undefined;
}

export function createVirtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs;
  let serial = 0;
  const timers = createHeap();
  const settle = createSettling();

  const first = () => {
    for (let due = timers.first(); due; due = timers.first()) {
      if (due.task) return due;
      timers.take();
    }
    return undefined;
  };

  /** All that is due at the moment of the earliest, and what comes of it. */
  async function run(earliest: Due): Promise<void> {
    nowMs = Math.max(nowMs, earliest.dueMs);
    const setBefore = serial; // What these set for this very moment has to wait for promises.
    for (let due = first(); due && due.dueMs <= nowMs; due = first()) {
      if (due.serial >= setBefore) break;
      timers.take();
      const { task } = due;
      due.task = undefined;
      task?.();
    }
    await settle();
  }

  return {
    nowMs: () => Math.floor(nowMs),
    monotonicMs: () => nowMs - startMs,
    after(delayMs, task) {
      const due: Due = { dueMs: nowMs + Math.max(0, delayMs), serial: serial++, task };
      timers.put(due);
      return {
        cancel() {
          due.task = undefined;
        },
      };
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let due = first(); due && due.dueMs <= untilMs; due = first()) await run(due);
      nowMs = untilMs;
    },
    async next(withinMs = Number.POSITIVE_INFINITY) {
      const due = first();
      if (!due || due.dueMs > nowMs + withinMs) return false;
      await run(due);
      return true;
    },
  };
}

/** The same time as a node with a wrong watch sees it: off by so much, and a little too fast. */
export function createSkewedClock(
  clock: Clock,
  skew: { readonly wallMs: number; readonly driftPpm: number },
): Clock {
  const rate = 1 + skew.driftPpm / 1e6;
  return {
    nowMs: () => clock.nowMs() + skew.wallMs,
    monotonicMs: () => clock.monotonicMs() * rate,
    after: (delayMs, task) => clock.after(delayMs / rate, task),
  };
}

/** A binary heap, by moment and then by order of setting. */
function createHeap() {
  const heap: Due[] = [];
  const before = (one: Due, other: Due) =>
    one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.serial < other.serial);
  const swap = (one: number, other: number) => {
    const kept = heap[one]!;
    heap[one] = heap[other]!;
    heap[other] = kept;
  };
  return {
    first: () => heap[0],
    put(due: Due) {
      let at = heap.push(due) - 1;
      for (let up = (at - 1) >> 1; at > 0 && before(heap[at]!, heap[up]!); up = (at - 1) >> 1) {
        swap(at, up);
        at = up;
      }
    },
    take() {
      const last = heap.pop();
      if (!last || heap.length === 0) return;
      heap[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const down of [2 * at + 1, 2 * at + 2])
          if (down < heap.length && before(heap[down]!, heap[least]!)) least = down;
        if (least === at) return;
        swap(at, least);
        at = least;
      }
    },
  };
}

/** So many waits pass without a turn of the event loop, which what is around the clock needs. */
const waitsPerTurn = 1_000;

/**
 * Waits until every promise that can go on has gone on: they all have before the next tick. Who
 * waits at the same time goes on one after the other. Code under a virtual clock does no real I/O.
 */
function createSettling(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  /** Its reactions are microtasks, without what `queueMicrotask` adds to each. */
  const soon = Promise.resolve();
  let waits = 0;

  const release = () => {
    waiting.shift()!();
    // From a microtask: what the first one sets going is done before the next one goes on.
    if (waiting.length > 0) void soon.then(schedule);
  };
  const schedule = () => {
    if (++waits % waitsPerTurn === 0) setImmediate(release);
    else process.nextTick(release);
  };

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      // From a microtask: a tick that an event's handler asks for would come before its promises.
      if (waiting.length === 1) void soon.then(schedule);
    });
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
