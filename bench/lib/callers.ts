import { performance } from "node:perf_hooks";
import { percentileOf } from "./statistics.js";

export interface CallRate {
  readonly calls: number;
  readonly perSecond: number;
  readonly latencyMsP50: number;
  readonly latencyMsP99: number;
}

/** So many callers, each making one call after the other, for that long. */
export async function measureCallers(load: {
  readonly callers: number;
  readonly forMs: number;
  readonly call: (caller: number) => Promise<unknown>;
}): Promise<CallRate> {
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + load.forMs;
  const callOn = async (caller: number) => {
    for (let nowMs = performance.now(); nowMs < endMs; ) {
      await load.call(caller);
      const doneMs = performance.now();
      latenciesMs.push(doneMs - nowMs);
      nowMs = doneMs;
    }
  };
  await Promise.all(Array.from({ length: load.callers }, (_, caller) => callOn(caller)));
  return {
    calls: latenciesMs.length,
    perSecond: (latenciesMs.length * 1000) / (performance.now() - startMs),
    latencyMsP50: percentileOf(latenciesMs, 0.5),
    latencyMsP99: percentileOf(latenciesMs, 0.99),
  };
}
