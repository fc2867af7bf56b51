/** Requests of one second. */
export interface Tally {
  /** Every one, refused or not. */
  readonly arrived: number;
  readonly refused: number;
  /** Done in time, for somebody. */
  readonly served: number;
  /** Done for nobody: whoever asked had given up. */
  readonly wasted: number;
  /** Taken, and answered with an error. */
  readonly failed: number;
}

/** What the other tenants felt in one second, by when they felt it. */
export interface Felt {
  /** Attempts that were answered. */
  readonly answered: number;
  /** Attempts that were refused, failed or given up. */
  readonly lost: number;
  readonly latencyMsSum: number;
  readonly latencyMsMax: number;
}

export interface Second {
  /** Since the cloud was opened. */
  readonly atMs: number;
  /** Requests that it could have done. */
  readonly capacity: number;
  readonly ours: Tally;
  readonly tenants: Tally & Felt;
}

export type Party = "ours" | "tenants";

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

export interface Tallies {
  note(party: Party, what: keyof Tally, atMs: number): void;
  noteAnswered(atMs: number, latencyMs: number): void;
  noteLost(atMs: number): void;
  /** From then on the cloud can do so many requests a second. */
  noteCapacity(atMs: number, perSecond: number): void;
  /** Whole seconds before `untilMs`; the newest `secondsMax`. */
  seconds(untilMs: number): readonly Second[];
}

/** A day's; beyond it nothing is noted any more. */
export const secondsMax = 86_400;

export function createTallies(): Tallies {
  const parties: Record<Party, Mutable<Tally & Felt>[]> = { ours: [], tenants: [] };
  const capacities: { readonly atMs: number; readonly perSecond: number }[] = [];
  const blank = (): Mutable<Tally & Felt> => ({
    ...{ arrived: 0, refused: 0, served: 0, wasted: 0, failed: 0 },
    ...{ answered: 0, lost: 0, latencyMsSum: 0, latencyMsMax: 0 },
  });
  const at = (party: Party, atMs: number): Mutable<Tally & Felt> => {
    const index = Math.min(secondsMax, Math.floor(atMs / 1_000));
    const found = parties[party][index] ?? blank();
    parties[party][index] = found;
    return found;
  };

  return {
    note(party, what, atMs) {
      at(party, atMs)[what] += 1;
    },
    noteAnswered(atMs, latencyMs) {
      const second = at("tenants", atMs);
      second.answered += 1;
      second.latencyMsSum += latencyMs;
      second.latencyMsMax = Math.max(second.latencyMsMax, latencyMs);
    },
    noteLost(atMs) {
      at("tenants", atMs).lost += 1;
    },
    noteCapacity: (atMs, perSecond) => void capacities.push({ atMs, perSecond }),
    seconds(untilMs) {
      const count = Math.min(secondsMax, Math.floor(untilMs / 1_000));
      return Array.from({ length: count }, (_, index): Second => {
        const atMs = index * 1_000;
        const {
          answered: _a,
          lost: _l,
          latencyMsSum: _s,
          latencyMsMax: _m,
          ...ours
        } = parties.ours[index] ?? blank();
        const capacity = capacities.findLast((one) => one.atMs <= atMs)?.perSecond ?? 0;
        return { atMs, capacity, ours, tenants: { ...(parties.tenants[index] ?? blank()) } };
      });
    },
  };
}
