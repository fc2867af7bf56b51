import { cpuMs } from "../lib/child.js";
import { eventsPerBatch } from "./batches.js";

/** Sends batches for a while, never more ahead of the slowest subscriber than the window. */
export interface Feeder {
  /** All subscribers have so many batches of this run. */
  acknowledged(batches: number): void;
  /** Resolves when the last batch has reached everybody. */
  run(load: FeedLoad): Promise<FeedRate>;
}

export interface FeedLoad {
  readonly forMs: number;
  /** In batches. */
  readonly window: number;
}

export interface FeedRate {
  readonly batches: number;
  readonly eventsPerSecond: number;
  readonly cpuMs: number;
}

export function createFeeder(send: () => void): Feeder {
  let sent = 0;
  let acked = 0;
  let window = 0;
  let endMs = 0;
  let finished: (() => void) | undefined;

  function feed(): void {
    while (sent - acked < window && performance.now() < endMs) {
      send();
      sent++;
    }
    if (acked === sent && performance.now() >= endMs) finished?.();
  }

  return {
    acknowledged(batches) {
      acked = batches;
      feed();
    },
    async run(load) {
      sent = 0;
      acked = 0;
      window = load.window;
      const startMs = performance.now();
      const startCpuMs = cpuMs();
      endMs = startMs + load.forMs;
      const end = new Promise<void>((resolve) => {
        finished = resolve;
      });
      feed();
      await end;
      finished = undefined;
      return {
        batches: sent,
        eventsPerSecond: (sent * eventsPerBatch * 1000) / (performance.now() - startMs),
        cpuMs: cpuMs() - startCpuMs,
      };
    },
  };
}
