/**
 * What can go wrong with a store, switched while it runs. `chance` is that of one operation, from
 * 0 (never) to 1 (always); `fired` counts, so that a test can tell that its fault was there.
 */
export interface StoreFaults {
  readonly chance: Record<StoreFaultName, number>;
  readonly fired: Record<StoreFaultName, number>;
  /** What `slow` adds to an operation. */
  slowMs: number;
  /** How far behind a replica is that `hintsStale` reads from. */
  hintsLagMs: number;
}

export type StoreFaultName =
  /** The commit took effect, its answer was lost: COMMIT_UNKNOWN. */
  | "lostAfterCommit"
  /** The commit was lost on its way: COMMIT_UNKNOWN too. */
  | "lostBeforeCommit"
  /** A listing of hints comes from a replica that is behind. */
  | "hintsStale"
  /** The feed holds some partitions' newest events back until a later read. */
  | "feedLate"
  /** STORE_UNAVAILABLE; nothing was done. */
  | "unavailable"
  | "slow";

export function createStoreFaults(): StoreFaults {
  return { chance: none(), fired: none(), slowMs: 2_000, hintsLagMs: 5_000 };
}

/** All switched off; the counts stay. */
export function healStoreFaults(faults: StoreFaults): void {
  Object.assign(faults.chance, none());
}

function none(): Record<StoreFaultName, number> {
  return {
    lostAfterCommit: 0,
    lostBeforeCommit: 0,
    hintsStale: 0,
    feedLate: 0,
    unavailable: 0,
    slow: 0,
  };
}

/** Draws whether the fault strikes now. One that is switched off draws nothing. */
export type Strike = (name: StoreFaultName) => boolean;

export function createStrikes(faults: StoreFaults, fork: (label: string) => () => number): Strike {
  const streams = new Map<StoreFaultName, () => number>();
  const draw = (name: StoreFaultName): number => {
    const stream = streams.get(name) ?? fork(`fault ${name}`);
    streams.set(name, stream);
    return stream();
  };
  return (name) => {
    const chance = faults.chance[name];
    if (chance <= 0 || (chance < 1 && draw(name) >= chance)) return false;
    faults.fired[name]++;
    return true;
  };
}
