import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Meter } from "../../core/ports/meter.js";

/** A meter whose figures Prometheus reads. */
export interface PrometheusMeter extends Meter {
  /** What Prometheus expects to be told of the text. */
  readonly contentType: string;
  /** All figures, as of now, in Prometheus' text format. */
  text(): Promise<string>;
}

/** With the process's own figures (memory, CPU, event loop) beside ours. */
export function createPrometheusMeter(): PrometheusMeter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter({ name, help, labels }) {
      const made =
        counters.get(name) ?? new Counter({ name, help, labelNames: [...labels], registers });
      counters.set(name, made);
      return { add: (values, by = 1) => made.inc(values, by) };
    },
    histogram({ name, help, labels, buckets }) {
      const labelNames = [...labels];
      const made =
        histograms.get(name) ??
        new Histogram({ name, help, labelNames, buckets: [...buckets], registers });
      histograms.set(name, made);
      return { observe: (values, value) => made.observe(values, value) };
    },
    gauge({ name, help, labels }, read) {
      new Gauge({
        ...{ name, help, labelNames: [...labels], registers },
        collect() {
          this.reset();
          for (const { labels: values, value } of read()) this.set(values, value);
        },
      });
    },
  };
}
