import type { Labels, Meter, Reading } from "../../src/core/ports/meter.js";

/** A meter that remembers, for tests. */
export interface MemoryMeter extends Meter {
  /** The sum of a counter, or of what a gauge reads now, over all that carry these labels. */
  value(name: string, labels?: Labels): number;
  names(): readonly string[];
}

export function createMemoryMeter(): MemoryMeter {
  const added: { readonly name: string; readonly labels: Labels; readonly value: number }[] = [];
  const gauges = new Map<string, () => Iterable<Reading>>();
  const known = new Map<string, readonly string[]>();
  const make = ({
    name,
    labels,
  }: {
    readonly name: string;
    readonly labels: readonly string[];
  }) => {
    known.set(name, labels);
    return (values: Labels, value: number) => void added.push({ name, labels: values, value });
  };
  return {
    counter(spec) {
      const add = make(spec);
      return { add: (labels, by = 1) => add(labels, by) };
    },
    histogram(spec) {
      return { observe: make(spec) };
    },
    gauge({ name, labels }, read) {
      known.set(name, labels);
      gauges.set(name, read);
    },
    value(name, wanted = {}) {
      const readings = gauges.get(name)?.() ?? added.filter((one) => one.name === name);
      return [...readings]
        .filter(({ labels }) =>
          Object.entries(wanted).every(([label, value]) => labels[label] === value),
        )
        .reduce((sum, one) => sum + one.value, 0);
    },
    names: () => [...known.keys()],
  };
}
