import { isFault } from "../../src/core/errors/fault.js";
import type { Loaded, Store } from "../../src/core/ports/store.js";
import { partitionText } from "../../src/core/ports/store.js";

/** Stores that break the port's promises, each in a way in which a driver could. */

/** Answers from what it read first, as a copy does that nothing reaches any more. */
export function behind(store: Store): Store {
  const copies = new Map<string, Promise<Loaded>>();
  return {
    ...store,
    load(id, kinds, call) {
      const name = partitionText(id);
      const copy = copies.get(name) ?? store.load(id, kinds, call);
      copies.set(name, copy);
      return copy;
    },
  };
}

/** Takes a commit whose answer was lost for done. */
export function hasty(store: Store): Store {
  return {
    ...store,
    commit: (commit, call) =>
      store.commit(commit, call).catch((error: unknown) => {
        const isLost = isFault(error, "COMMIT_UNKNOWN") || isFault(error, "STORE_UNAVAILABLE");
        if (isLost) return { revision: commit.expectedRevision + 1 };
        throw error;
      }),
  };
}

/** Says of a commit what stands now, and does nothing so that it stays so. */
export function unfenced(store: Store): Store {
  return {
    ...store,
    async wasCommitted(id, commitId, call) {
      const { rows } = await store.load(id, "all", call);
      return rows.some(({ value }) => value.includes(commitId));
    },
  };
}
