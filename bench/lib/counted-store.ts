import type { Commit, Store } from "../../src/core/ports/store.js";

/** What was written to placements. */
export interface Written {
  readonly commits: number;
  readonly rows: number;
  readonly events: number;
  readonly rowBytes: number;
  readonly eventBytes: number;
}

export interface CountedStore extends Store {
  written(): Written;
  /** Whether bytes are counted too, which costs more than what it measures. Off at first. */
  weigh(on: boolean): void;
}

/**
 * The store, with its commits to placements counted.
 *
 * @param committed told of each commit once it is durable.
 */
export function createCountedStore(
  store: Store,
  committed: (commit: Commit) => void = () => {},
): CountedStore {
  const sum = { commits: 0, rows: 0, events: 0, rowBytes: 0, eventBytes: 0 };
  let weighs = false;
  const count = ({ puts, deletes, events }: Commit) => {
    sum.commits++;
    sum.rows += puts.length + deletes.length;
    sum.events += events.length;
    if (!weighs) return;
    for (const row of puts) sum.rowBytes += row.value.length;
    for (const event of events) sum.eventBytes += JSON.stringify(event).length;
  };
  return {
    ...store,
    async commit(commit, call) {
      if (commit.partition.scope === "placement") count(commit);
      const done = await store.commit(commit, call);
      committed(commit);
      return done;
    },
    written: () => ({ ...sum }),
    weigh(on) {
      weighs = on;
    },
  };
}
