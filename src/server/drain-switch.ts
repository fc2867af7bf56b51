/** Tells everyone who has a call or stream open that the server ends. */
export interface DrainSwitch {
  readonly draining: boolean;
  /** Calls `listener` once when draining starts, at once if it has. Returns how to leave. */
  onDrain(listener: () => void): () => void;
  start(): void;
}

export function createDrainSwitch(): DrainSwitch {
  // Not an AbortSignal: thousands of streams listen, and each must leave cheaply.
  const listeners = new Set<() => void>();
  let draining = false;
  return {
    get draining() {
      return draining;
    },
    onDrain(listener) {
      if (draining) {
        listener();
        return () => undefined;
      }
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    start() {
      draining = true;
      for (const listener of [...listeners]) listener();
      listeners.clear();
    },
  };
}
