/** The latencies of the last `windowMs`. */
export interface LatencyWindow {
  add(latencyMs: number): void;
  recent(): readonly number[];
}

interface Sample {
  readonly atMs: number;
  readonly latencyMs: number;
}

/** More a window does not keep: then it is shorter, and still the latest. */
const samplesMax = 10_000;

export function createLatencyWindow(windowMs: number): LatencyWindow {
  let samples: Sample[] = [];
  const prune = () => {
    const fromMs = performance.now() - windowMs;
    samples = samples.filter((sample) => sample.atMs >= fromMs).slice(-samplesMax);
  };
  return {
    add(latencyMs) {
      samples.push({ atMs: performance.now(), latencyMs });
      if (samples.length >= 2 * samplesMax) prune();
    },
    recent() {
      prune();
      return samples.map((sample) => sample.latencyMs);
    },
  };
}

/** The latency, in whole milliseconds, that 95 of 100 stay within; undefined of none. */
export function p95Of(latenciesMs: readonly number[]): number | undefined {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const found = sorted[Math.ceil(sorted.length * 0.95) - 1];
  return found === undefined ? undefined : Math.round(found);
}
