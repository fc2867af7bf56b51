import PQueue from "p-queue";
import type { AccountId } from "../../core/model/ids.js";
import type { Admission, Api, CallClass, Ticket } from "./admission.js";
import { createRoundRobin, type RoundRobin } from "./round-robin.js";

/**
 * Steps of one colo on their way to the outside: bounded, fair over accounts, started only when the
 * admission lets their first call begin (B9.4).
 */
export interface ColoQueue {
  /** False when the queue is full: the caller's next turn asks again. */
  offer(task: ColoTask): boolean;
  /** Takes a task back that has not started. True: it never will. */
  withdraw(key: string): boolean;
  /** `undefined`: neither queued nor running. */
  standing(key: string): "queued" | "running" | undefined;
  /**
   * How many creates may be asked for now: some waves of what runs at once, so that a slot never
   * waits for a turn that waits for a listing, and no more than the cloud's allowance lets begin
   * soon. More would only be promises that wait.
   */
  free(): number;
  /** Wakes whoever found nothing free, once something is: accounts take turns. */
  whenFree(waiter: Waiter): void;
  readonly running: number;
  readonly waiting: number;
  /** What waits for a slot or for the allowance. */
  waitingOf(api: Api): WaitingSteps;
  /** Resolves when nothing runs; what waits is dropped. */
  drain(): Promise<void>;
}

export interface ColoTask {
  readonly key: string;
  readonly account: AccountId;
  readonly api: Api;
  /** Deletes keep a slot of their own, so that creates that hang can't keep them waiting. */
  readonly class: CallClass;
  /** Never rejects: every outcome is an answer. The ticket is for its first call. */
  run(ticket: Ticket): Promise<void>;
}

export interface Waiter {
  readonly key: string;
  readonly account: AccountId;
  wake(): void;
}

export interface WaitingSteps {
  readonly byClass: Readonly<Record<CallClass, number>>;
  /** Placements that want to create and have been told to wait. */
  readonly placements: number;
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
/** An intention should not wait for longer than it said (`callWaitMs`). */
const soonMs = 2_000;

export function createColoQueue(
  limits: ColoQueueLimits,
  admissions: Readonly<Record<Api, Admission>>,
): ColoQueue {
  // Only its concurrency is used: its timeouts and intervals read real time.
  const slots = new PQueue({ concurrency: limits.concurrency });
  const standing = new Map<string, "queued" | "running">();
  const lanes: Readonly<Record<Api, Lanes>> = { cloud: newLanes(), loadBalancer: newLanes() };
  const waiters = createRoundRobin<Waiter>();
  let waiting = 0;
  let othersRunning = 0;
  // Ours, since p-queue counts a task as pending for a moment after it has ended.
  let running = 0;
  let closed = false;

  /** Feeds free slots only, so that p-queue's own backlog never fixes an order. */
  function feed(): void {
    admissions.loadBalancer.stir();
    admissions.cloud.stir();
  }

  function has(api: Api, one: CallClass): boolean {
    if (closed || running >= limits.concurrency || lanes[api][one].size === 0) return false;
    return one === "delete" || othersRunning < limits.concurrency - limits.reservedForDeletes;
  }

  for (const api of ["cloud", "loadBalancer"] as const)
    admissions[api].feedFrom({
      has: (one) => has(api, one),
      start(one, ticket) {
        const task = lanes[api][one].next()!;
        waiting--;
        start(task, ticket);
      },
      moved: api === "cloud" ? wakeWaiters : () => {},
    });

  function free(): number {
    const creates = lanes.cloud.urgent.size + lanes.cloud.change.size;
    const slotsWanted = wavesMax * limits.concurrency - limits.reservedForDeletes - othersRunning;
    const roomLeft = limits.waitingMax - waiting;
    const left = Math.min(slotsWanted, admissions.cloud.startable(soonMs)) - creates;
    return closed ? 0 : Math.max(0, Math.min(left, roomLeft));
  }

  function wakeWaiters(): void {
    if (waiters.size === 0) return;
    for (let left = free(); left > 0; left--) {
      const waiter = waiters.next();
      if (!waiter) return;
      waiter.wake();
    }
  }

  function start(task: ColoTask, ticket: Ticket): void {
    standing.set(task.key, "running");
    running++;
    const isDelete = task.class === "delete";
    if (!isDelete) othersRunning++;
    void slots.add(async () => {
      try {
        await task.run(ticket);
      } finally {
        ticket.drop();
        running--;
        if (!isDelete) othersRunning--;
        standing.delete(task.key);
        queueMicrotask(() => {
          feed();
          wakeWaiters();
        });
      }
    });
  }

  return {
    offer(task) {
      if (closed || standing.has(task.key) || waiting >= limits.waitingMax) return false;
      standing.set(task.key, "queued");
      lanes[task.api][task.class].push(task);
      waiting++;
      queueMicrotask(feed);
      return true;
    },
    withdraw(key) {
      if (standing.get(key) !== "queued") return false;
      const all = Object.values(lanes).flatMap((one) => Object.values(one));
      const found = all.some((lane) => lane.remove(key));
      if (!found) return false;
      waiting--;
      standing.delete(key);
      return true;
    },
    standing: (key) => standing.get(key),
    free,
    whenFree: (waiter) => waiters.push(waiter),
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    waitingOf(api) {
      const { read, delete: deletes, urgent, change } = lanes[api];
      return {
        byClass: {
          ...{ read: read.size, delete: deletes.size },
          ...{ urgent: urgent.size, change: change.size },
        },
        placements: api === "cloud" ? waiters.size : 0,
      };
    },
    async drain() {
      closed = true;
      await slots.onIdle();
    },
  };
}

type Lanes = Readonly<Record<CallClass, RoundRobin<ColoTask>>>;

function newLanes(): Lanes {
  return {
    read: createRoundRobin<ColoTask>(),
    delete: createRoundRobin<ColoTask>(),
    urgent: createRoundRobin<ColoTask>(),
    change: createRoundRobin<ColoTask>(),
  };
}
