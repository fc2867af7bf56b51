import PQueue from "p-queue";
import type { AccountId } from "../../core/model/ids.js";
import { createRoundRobin } from "./round-robin.js";

/** Steps of one colo on their way to the outside: bounded, fair over accounts, deletes first. */
export interface ColoQueue {
  /** False when the queue is full: the caller's next turn asks again. */
  offer(task: ColoTask): boolean;
  /** Takes a task back that has not started. True: it never will. */
  withdraw(key: string): boolean;
  /** `undefined`: neither queued nor running. */
  standing(key: string): "queued" | "running" | undefined;
  /**
   * How many creates may be asked for now: some waves of what runs at once, so that a slot never
   * waits for a turn that waits for a listing. More would only be promises that wait.
   */
  free(): number;
  /** Wakes whoever found nothing free, once something is: accounts take turns. */
  whenFree(waiter: Waiter): void;
  readonly running: number;
  readonly waiting: number;
  /** Resolves when nothing runs; what waits is dropped. */
  drain(): Promise<void>;
}

export interface ColoTask {
  readonly key: string;
  readonly account: AccountId;
  /** Deletes keep a slot of their own, so that creates that hang can't keep them waiting. */
  readonly isDelete: boolean;
  /** Never rejects: every outcome is an answer. */
  run(): Promise<void>;
}

export interface Waiter {
  readonly key: string;
  readonly account: AccountId;
  wake(): void;
}

export interface ColoQueueLimits {
  readonly concurrency: number;
  readonly reservedForDeletes: number;
  readonly waitingMax: number;
}

export const defaultQueueLimits: ColoQueueLimits = {
  concurrency: 32,
  reservedForDeletes: 2,
  waitingMax: 4_000,
};

const wavesMax = 8;

export function createColoQueue(limits: ColoQueueLimits): ColoQueue {
  // Only its concurrency is used: its timeouts and intervals read real time.
  const slots = new PQueue({ concurrency: limits.concurrency });
  const standing = new Map<string, "queued" | "running">();
  const deletes = createRoundRobin<ColoTask>();
  const others = createRoundRobin<ColoTask>();
  const waiters = createRoundRobin<Waiter>();
  let othersRunning = 0;
  // Ours, since p-queue counts a task as pending for a moment after it has ended.
  let running = 0;
  let closed = false;

  /** Feeds free slots only, so that p-queue's own backlog never fixes an order. */
  function feed(): void {
    while (!closed && running < limits.concurrency) {
      const task = deletes.next() ?? (othersMayStart() ? others.next() : undefined);
      if (!task) return;
      start(task);
    }
  }

  function free(): number {
    const wanted = wavesMax * limits.concurrency - limits.reservedForDeletes;
    const roomLeft = limits.waitingMax - deletes.size - others.size;
    const left = Math.min(wanted - othersRunning - others.size, roomLeft);
    return closed ? 0 : Math.max(0, left);
  }

  function goOn(): void {
    feed();
    for (let left = free(); left > 0; left--) {
      const waiter = waiters.next();
      if (!waiter) return;
      waiter.wake();
    }
  }

  function othersMayStart(): boolean {
    return othersRunning < limits.concurrency - limits.reservedForDeletes;
  }

  function start(task: ColoTask): void {
    standing.set(task.key, "running");
    running++;
    if (!task.isDelete) othersRunning++;
    void slots.add(async () => {
      try {
        await task.run();
      } finally {
        running--;
        if (!task.isDelete) othersRunning--;
        standing.delete(task.key);
        queueMicrotask(goOn);
      }
    });
  }

  return {
    offer(task) {
      if (closed || standing.has(task.key) || deletes.size + others.size >= limits.waitingMax)
        return false;
      standing.set(task.key, "queued");
      (task.isDelete ? deletes : others).push(task);
      queueMicrotask(feed);
      return true;
    },
    withdraw(key) {
      if (standing.get(key) !== "queued") return false;
      const found = deletes.remove(key) || others.remove(key);
      if (found) standing.delete(key);
      return found;
    },
    standing: (key) => standing.get(key),
    free,
    whenFree: (waiter) => waiters.push(waiter),
    get running() {
      return running;
    },
    get waiting() {
      return deletes.size + others.size;
    },
    async drain() {
      closed = true;
      await slots.onIdle();
    },
  };
}
