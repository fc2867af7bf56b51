import PQueue from "p-queue";
import type { AccountId } from "../../core/model/ids.js";

/** Steps of one colo on their way to the outside: bounded, fair over accounts, deletes first. */
export interface ColoQueue {
  /** False when the queue is full: the caller's next turn asks again. */
  offer(task: ColoTask): boolean;
  /** Takes a task back that has not started. True: it never will. */
  withdraw(key: string): boolean;
  /** `undefined`: neither queued nor running. */
  standing(key: string): "queued" | "running" | undefined;
  /** How many tasks may still be offered. */
  room(): number;
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

export function createColoQueue(limits: ColoQueueLimits): ColoQueue {
  // Only its concurrency is used: its timeouts and intervals read real time.
  const slots = new PQueue({ concurrency: limits.concurrency });
  const standing = new Map<string, "queued" | "running">();
  const deletes = createRoundRobin();
  const others = createRoundRobin();
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
        queueMicrotask(feed);
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
    room: () => Math.max(0, limits.waitingMax - deletes.size - others.size),
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

interface RoundRobin {
  readonly size: number;
  push(task: ColoTask): void;
  next(): ColoTask | undefined;
  remove(key: string): boolean;
}

/** Accounts take turns; within one, first come, first served. */
function createRoundRobin(): RoundRobin {
  const lanes = new Map<AccountId, Map<string, ColoTask>>();
  let size = 0;
  const take = (account: AccountId, lane: Map<string, ColoTask>, key: string) => {
    lane.delete(key);
    size--;
    lanes.delete(account);
    // Back to the end of the line: a Map keeps the order of insertion.
    if (lane.size > 0) lanes.set(account, lane);
  };
  return {
    get size() {
      return size;
    },
    push(task) {
      const lane = lanes.get(task.account) ?? new Map<string, ColoTask>();
      lane.set(task.key, task);
      lanes.set(task.account, lane);
      size++;
    },
    next() {
      for (const [account, lane] of lanes) {
        for (const [key, task] of lane) {
          take(account, lane, key);
          return task;
        }
      }
      return undefined;
    },
    remove(key) {
      for (const [account, lane] of lanes) {
        if (!lane.has(key)) continue;
        lane.delete(key);
        size--;
        if (lane.size === 0) lanes.delete(account);
        return true;
      }
      return false;
    },
  };
}
