import type { Pairs } from "./pairs.js";
import type { Summary } from "./statistics.js";

/** One benchmark of the table of performance promises. */
export interface Bench {
  readonly id: string;
  /** Which cloud it needs, where that is another than a simulated one. */
  readonly cloud?: "openstack";
  /** Which store it needs, where that is another than the embedded one. */
  readonly store?: "cassandra";
  readonly title: string;
  run(run: BenchRun): Promise<Findings>;
}

export interface BenchRun {
  /** For people who wait; never part of the result. */
  say(line: string): void;
}

/** What a benchmark found, before machine and versions go with it. */
export interface Findings {
  /** Ours against the reference, by case: 1 = equal, higher = better. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly targets: readonly Target[];
  readonly figures: readonly Figure[];
  /** Cost over size. */
  readonly growth: readonly Growth[];
  /** What was measured how: what a reader needs to believe the numbers. */
  readonly notes: readonly string[];
}

export interface Target {
  readonly name: string;
  /** E.g. `>= 0.5` */
  readonly target: string;
  readonly value: number;
  readonly met: boolean;
}

export interface Figure {
  readonly name: string;
  /** E.g. `events/s`, `ms`. */
  readonly unit: string;
  readonly ours: Summary;
  readonly reference?: Summary;
  readonly ratio?: Summary;
}

export interface Growth {
  readonly name: string;
  /** What is counted as size, e.g. `servers`. */
  readonly of: string;
  /** What is counted as cost, e.g. `ms`. */
  readonly cost: string;
  readonly points: readonly { readonly size: number; readonly cost: number }[];
  readonly exponent: number;
}

export function atLeast(name: string, bound: number, value: number): Target {
  return { name, target: `>= ${bound}`, value, met: value >= bound };
}

export function below(name: string, bound: number, value: number): Target {
  return { name, target: `< ${bound}`, value, met: value < bound };
}

export function pairFigure(name: string, unit: string, pairs: Pairs): Figure {
  return {
    name,
    unit,
    ours: pairs.ours,
    reference: pairs.reference,
    ratio: pairs.ratios,
  };
}
