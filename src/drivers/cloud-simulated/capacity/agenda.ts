/** What is to happen when, earliest first; what falls due together happens in order of entry. */
export interface Agenda {
  add(atMs: number, run: () => void): void;
  nextAtMs(): number | undefined;
  /** Takes out the earliest. */
  take(): { readonly atMs: number; run(): void } | undefined;
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap. */
export function createAgenda(): Agenda {
  const heap: Entry[] = [];
  let order = 0;
  const isBefore = (one: Entry, other: Entry) =>
    one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);

  function rise(from: number): void {
    const entry = heap[from]!;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[index] = heap[parent]!;
      index = parent;
    }
    heap[index] = entry;
  }

  function sink(entry: Entry): void {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[index] = heap[child]!;
      index = child;
    }
    heap[index] = entry;
  }

  return {
    add(atMs, run) {
      heap.push({ atMs, order: order++, run });
      rise(heap.length - 1);
    },
    nextAtMs: () => heap[0]?.atMs,
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (first && last && first !== last) sink(last);
      return first;
    },
  };
}
