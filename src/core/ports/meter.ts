/**
 * Figures for operators. Names and units as Prometheus has them: base units in the name
 * (`_seconds`), counters end in `_total`. Labels have few values: never an id of a thing that users
 * make.
 */
export interface Meter {
  /** The same name again is the same counter, as for each colo of a node; so are histograms. */
  counter(spec: MetricSpec): Counter;
  histogram(spec: MetricSpec & { readonly buckets: readonly number[] }): Histogram;
  /** `read` is asked whenever the figures are. It must be quick and must not throw. */
  gauge(spec: MetricSpec, read: () => Iterable<Reading>): void;
}

export interface MetricSpec {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(labels: Labels, by?: number): void;
}

export interface Histogram {
  observe(labels: Labels, value: number): void;
}

export interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

/** For who wants no figures. */
export const silentMeter: Meter = {
  counter: () => ({ add() {} }),
  histogram: () => ({ observe() {} }),
  gauge() {},
};
