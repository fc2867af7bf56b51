import type { Agenda } from "./agenda.js";
import type { Party, Tallies } from "./tally.js";

/** How well the cloud is: all of it changes at run time. */
export interface Condition {
  /** Share of the workers that are at work. */
  readonly workersShare: number;
  /** How many times as long everything takes. */
  readonly slowness: number;
  /** Share of the requests that cost their time and then end in an error. */
  readonly errorShare: number;
}

export const healthy: Condition = { workersShare: 1, slowness: 1, errorShare: 0 };

/** One request that was taken. */
export interface Job {
  readonly party: Party;
  readonly serviceMs: number;
  /** In [0, 1): below the error share it fails. */
  readonly luck: number;
  /** Whether anybody still waits for it. It is done all the same. */
  isWanted(): boolean;
  done(outcome: "served" | "failed", atMs: number): void;
}

/**
 * So many workers and one queue before them, first come, first served. Who gives up does not take
 * the request out of the queue: it is worked on all the same, for nobody. That is what keeps an
 * overloaded service down long after the cause is gone.
 */
export interface Station {
  /** False: refused, the queue is full. */
  enter(job: Job, atMs: number): boolean;
  change(condition: Condition, atMs: number): void;
  readonly queued: number;
  readonly running: number;
}

export interface StationLimits {
  readonly workers: number;
  readonly queueMax: number;
  /** How long an ordinary request takes a worker: what capacity is counted in. */
  readonly serviceMs: number;
}

export function createStation(limits: StationLimits, agenda: Agenda, tallies: Tallies): Station {
  const { workers, queueMax, serviceMs } = limits;
  let condition = healthy;
  let atWork = workers;
  let running = 0;
  let queue: Job[] = [];
  let head = 0;
  const queued = () => queue.length - head;

  function start(job: Job, atMs: number): void {
    running += 1;
    const endMs = atMs + job.serviceMs * condition.slowness;
    agenda.add(endMs, () => end(job, endMs));
  }

  function end(job: Job, atMs: number): void {
    running -= 1;
    const outcome = job.luck < condition.errorShare ? "failed" : "served";
    tallies.note(job.party, job.isWanted() ? outcome : "wasted", atMs);
    job.done(outcome, atMs);
    feed(atMs);
  }

  function feed(atMs: number): void {
    while (running < atWork && queued() > 0) {
      start(queue[head]!, atMs);
      head += 1;
    }
    if (head > queueMax) {
      queue = queue.slice(head);
      head = 0;
    }
  }

  const tellCapacity = (atMs: number) =>
    tallies.noteCapacity(atMs, (atWork * 1_000) / (serviceMs * condition.slowness));
  tellCapacity(0);

  return {
    enter(job, atMs) {
      tallies.note(job.party, "arrived", atMs);
      if (running >= atWork && queued() >= queueMax) {
        tallies.note(job.party, "refused", atMs);
        return false;
      }
      queue.push(job);
      feed(atMs);
      return true;
    },
    change(next, atMs) {
      condition = next;
      atWork = Math.round(workers * next.workersShare);
      tellCapacity(atMs);
      feed(atMs);
    },
    get queued() {
      return queued();
    },
    get running() {
      return running;
    },
  };
}
