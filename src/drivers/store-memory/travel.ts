import type { Call } from "../../core/ports/call.js";
import type { Clock } from "../../core/ports/clock.js";
import { abortedFault } from "../store-rules/aborted.js";
import { storeUnavailable } from "../store-rules/faults.js";
import { type AbortedAs, untilAborted } from "../store-rules/until-aborted.js";
import type { StoreFaults, Strike } from "./faults.js";

export interface Travel {
  /**
   * Sends an operation to the replicas and back. What was sent takes effect, heard of or not: an
   * abort only ends the waiting.
   *
   * @throws Fault `STORE_UNAVAILABLE` before anything was done; `abortedAs` when aborted meanwhile.
   */
  go<Value>(
    call: Call,
    effect: () => Promise<Value> | Value,
    abortedAs?: AbortedAs,
  ): Promise<Value>;
  /**
   * Asks, and changes nothing. The answer is as old as its way back: all of the time that it took,
   * or nothing.
   */
  look<Value>(call: Call, effect: () => Value): Promise<Value>;
  /** One way over the network. */
  hop(): Promise<void>;
  close(): void;
}

export interface TravelOptions {
  readonly clock: Clock;
  /** In [0, 1), for how long a way takes. */
  readonly latency: () => number;
  readonly strike: Strike;
  readonly faults: StoreFaults;
  readonly latencyMsMin: number;
  readonly latencyMsMax: number;
}

export function createTravel(options: TravelOptions): Travel {
  const { clock, latency, faults, strike, latencyMsMin, latencyMsMax } = options;
  let closed = false;

  const wait = (ways: 1 | 2) =>
    new Promise<void>((resolve) => {
      let slowMs = 0;
      for (let way = 0; way < ways; way++) if (strike("slow")) slowMs += faults.slowMs;
      const latencyMs = latencyMsMin + latency() * (latencyMsMax - latencyMsMin);
      clock.after((latencyMs / 2) * ways + slowMs, resolve);
    });
  const hop = () => wait(1);

  /** One wait for both ways: nodes look far more often than they write, and it is the dearer part. */
  const seen = async <Value>(effect: () => Value): Promise<Value> => {
    const isOld = latency() < 0.5;
    if (isOld && (closed || strike("unavailable"))) {
      await wait(2);
      throw storeUnavailable();
    }
    const old = isOld ? effect() : undefined;
    await wait(2);
    if (isOld) return old as Value;
    if (closed || strike("unavailable")) throw storeUnavailable();
    return effect();
  };

  const there = async <Value>(effect: () => Promise<Value> | Value): Promise<Value> => {
    await hop();
    if (closed || strike("unavailable")) throw storeUnavailable();
    const value = await effect();
    await hop();
    return value;
  };

  return {
    hop,
    go(call, effect, abortedAs) {
      if (call.signal.aborted) return Promise.reject(abortedFault(call.signal));
      if (closed) return Promise.reject(storeUnavailable());
      return untilAborted(there(effect), call.signal, abortedAs);
    },
    look(call, effect) {
      if (call.signal.aborted) return Promise.reject(abortedFault(call.signal));
      if (closed) return Promise.reject(storeUnavailable());
      return untilAborted(seen(effect), call.signal);
    },
    close() {
      closed = true;
    },
  };
}
