import { setTimeout as sleep } from "node:timers/promises";
import { isFault } from "../../src/core/errors/fault.js";
import type { Commit, PartitionId, Store } from "../../src/core/ports/store.js";
import { commitOf, eventOf, patientCall, row } from "../contract/store-samples.js";

/** A node that changes the placement's target, and others that do the same. */
export interface Rival {
  /** Its commits' ids begin with it and a colon. */
  readonly name: string;
  readonly store: Store;
}

export interface Rivals {
  /** @throws what no store may throw at such commits and reads */
  end(): Promise<void>;
}

const call = patientCall();
const writersEach = 2;
const pauseMs = 20;

/**
 * All nodes at once change one placement's target, as Muster does: read, decide, commit upon what
 * was read; where the answer is lost, every other time it is looked up. Others read meanwhile.
 */
export function startRivals(rivals: readonly Rival[], partition: PartitionId): Rivals {
  let isEnding = false;
  let count = 0;

  async function write({ name, store }: Rival): Promise<void> {
    const { revision, lastSequence } = await store.load(partition, ["doc"], call);
    const commitId = `${name}:${++count}`;
    const events = [eventOf(partition, lastSequence + 1)];
    const commit = changeTarget(partition, revision, { commitId, events });
    try {
      await store.commit(commit, call);
    } catch (error) {
      if (!isFault(error, "COMMIT_UNKNOWN") || count % 2 === 0) throw error;
      await store.wasCommitted(partition, commitId, call);
    }
  }

  async function read({ store }: Rival): Promise<void> {
    await store.load(partition, "all", call);
    await store.read(partition, [{ kind: "doc", key: "self" }], call);
  }

  async function goOn(act: (rival: Rival) => Promise<void>, rival: Rival): Promise<void> {
    while (!isEnding)
      try {
        await act(rival);
      } catch (error) {
        if (isFault(error, "PLACEMENT_CHANGED")) continue;
        const isAway = isFault(error, "STORE_UNAVAILABLE") || isFault(error, "COMMIT_UNKNOWN");
        if (!isAway) throw error;
        await sleep(pauseMs);
      }
  }

  const acts = [...Array.from({ length: writersEach }, () => write), read];
  const all = Promise.all(rivals.flatMap((rival) => acts.map((act) => goOn(act, rival))));
  all.catch(() => {}); // Told by `end`.
  return {
    async end() {
      isEnding = true;
      await all;
    },
  };
}

/** A commit after which the placement's target is one that no other commit sets. */
export function changeTarget(
  partition: PartitionId,
  expectedRevision: number,
  { commitId, ...more }: Partial<Commit> & { readonly commitId: string },
): Commit {
  const puts = [row("self", { target: commitId }, "doc")];
  return commitOf(partition, expectedRevision, { ...more, commitId, puts });
}
