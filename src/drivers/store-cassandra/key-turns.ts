/** Runs the task when those of the same key that came before have ended. */
export type InTurn = <Value>(key: string, task: () => Promise<Value>) => Promise<Value>;

/**
 * Conditional writes of one process to one partition would only get in each other's way: Cassandra
 * lets rivals wait for one another until they time out.
 */
export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(task);
    const settled: Promise<unknown> = mine
      .catch(() => undefined)
      .finally(() => {
        if (last.get(key) === settled) last.delete(key);
      });
    last.set(key, settled);
    return mine;
  };
}
