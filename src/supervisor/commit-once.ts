import { isFault } from "../core/errors/fault.js";
import type { Commit, Store } from "../core/ports/store.js";

/**
 * Commits, and looks up what became of it where the answer was lost. Resolves to the revision that
 * it made.
 *
 * @throws what `commit` throws, when it has not taken effect.
 */
export async function commitOnce(
  store: Pick<Store, "commit" | "wasCommitted">,
  commit: Commit,
  signal: AbortSignal,
): Promise<number> {
  try {
    return (await store.commit(commit, { signal })).revision;
  } catch (error) {
    const isUnknown = isFault(error, "COMMIT_UNKNOWN");
    const { partition, commitId, expectedRevision } = commit;
    if (isUnknown && (await store.wasCommitted(partition, commitId, { signal })))
      return expectedRevision + 1;
    throw error;
  }
}
