/** Work on the same thing, one after the other. */
export interface Turns {
  /** @param waitFor waits for whoever came before; when it throws, the turn is given up. */
  take<Value>(
    key: string,
    waitFor: (others: Promise<void>) => Promise<void>,
    work: () => Promise<Value>,
  ): Promise<Value>;
}

export function createTurns(): Turns {
  /** By key, when all who came so far are through. */
  const tails = new Map<string, Promise<void>>();
  return {
    async take(key, waitFor, work) {
      const before = tails.get(key);
      let leave = () => {};
      const mine = new Promise<void>((resolve) => {
        leave = resolve;
      });
      const tail = before ? before.then(() => mine) : mine;
      tails.set(key, tail);
      try {
        if (before) await waitFor(before);
        return await work();
      } finally {
        leave();
        if (tails.get(key) === tail) tails.delete(key);
      }
    },
  };
}
