import { OutsideFault } from "../../core/errors/outside-fault.js";
import type { Clock, Ids } from "../../core/ports/clock.js";

/** What one call has of time, to wait in. */
export interface Patience {
  /** Pauses are short again: something new is waited for. */
  begin(): void;
  /** Waits a little, and longer each time. @throws OutsideFault as `waitFor` */
  pause(what: string): Promise<void>;
  /**
   * Waits for what others do; it must not fail.
   *
   * @throws OutsideFault `conflict`: the call's time is over. `temporary`: its caller gave up.
   */
  waitFor(others: Promise<void>, what: string): Promise<void>;
}

const pauseMs = { first: 100, factor: 1.5, max: 1_500 } as const;
/** Others may wait for the same. */
const jitter = 0.3;
const askAgainMs = 1_000;

export function createPatience(parts: {
  readonly clock: Clock;
  readonly ids: Pick<Ids, "random">;
  readonly signal: AbortSignal;
  readonly msMax: number;
}): Patience {
  const { clock, ids, signal } = parts;
  const endMs = clock.monotonicMs() + parts.msMax;
  let nextMs: number = pauseMs.first;

  /** Ends early with `others`, where those are given. */
  const wait = (ms: number, others?: Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        timer.cancel();
        reject(new OutsideFault("temporary", "the call was given up"));
      };
      const timer = clock.after(ms, end);
      others?.then(end, end);
      if (signal.aborted) giveUp();
      else signal.addEventListener("abort", giveUp, { once: true });
    });

  const late = (what: string) => new OutsideFault("conflict", what, { retryAfterMs: askAgainMs });

  return {
    begin() {
      nextMs = pauseMs.first;
    },
    async pause(what) {
      const ms = nextMs * (1 + jitter * ids.random());
      nextMs = Math.min(nextMs * pauseMs.factor, pauseMs.max);
      if (clock.monotonicMs() + ms > endMs) throw late(what);
      await wait(ms);
    },
    async waitFor(others, what) {
      let isOver = false;
      const over = others.then(() => {
        isOver = true;
      });
      await wait(Math.max(0, endMs - clock.monotonicMs()), over);
      if (!isOver) throw late(what);
    },
  };
}
