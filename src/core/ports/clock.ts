/** The only time. A simulation replaces it with a virtual one. */
export interface Clock {
  /** Wall time in ms since the epoch: for what is stored and shown. */
  nowMs(): number;
  /** Monotonic ms from an arbitrary start: for leases and latencies. Never steps back. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`. Never synchronously. */
  after(delayMs: number, task: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}

/** The only chance. */
export interface Ids {
  /** A new, sortable id, unique over all nodes and time; lower-case letters and digits. */
  next(): string;
  /** A number in [0, 1). */
  random(): number;
}
