import { type AccountId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { SuspicionTally } from "../../core/model/observation.js";
import type { Plan } from "../../core/model/plan.js";
import type { Clock } from "../../core/ports/clock.js";
import { createRecent } from "../recent.js";

/**
 * How many of a colo's servers are suspected, by what this node's last plans said: illness that
 * many accounts share is not each one's own (B9.2). In memory: after a start it fills up again.
 */
export interface Suspicions {
  note(key: PlacementKey, suspicion: Plan["suspicion"]): void;
  /**
   * All placements but this one, and without the account that suspects most of its servers: one
   * tenant's broken check says nothing of the colo, and holds that tenant alone.
   */
  elsewhere(key: PlacementKey): SuspicionTally;
}

interface Noted extends SuspicionTally {
  readonly account: AccountId;
  readonly atMs: number;
}

const placementsMax = 20_000;
/** Every placement is planned more often than that; one that is not has gone elsewhere. */
const keptMs = 15 * 60_000;

export function createSuspicions(clock: Clock): Suspicions {
  let total = { known: 0, suspected: 0 };
  /** Those that suspect any of theirs: mostly none. */
  const ill = new Map<AccountId, number>();
  const knownOf = new Map<AccountId, number>();
  // Sums are kept up with every note: a plan must not look at all others.
  const add = (one: Noted, sign: 1 | -1) => {
    const { account, known, suspected } = one;
    total = {
      known: total.known + sign * known,
      suspected: total.suspected + sign * suspected,
    };
    addTo(ill, account, sign * suspected);
    addTo(knownOf, account, sign * known);
  };
  const noted = createRecent<string, Noted>(placementsMax, {
    dispose: (one) => add(one, -1),
  });

  /** The oldest first: they are the ones that were noted longest ago. */
  function forgetOld(): void {
    for (const text of noted.rkeys()) {
      const one = noted.peek(text);
      if (!one || clock.monotonicMs() - one.atMs < keptMs) return;
      noted.delete(text);
    }
  }

  return {
    note(key, { known, suspected }) {
      forgetOld();
      const text = placementText(key);
      if (known === 0) {
        noted.delete(text);
        return;
      }
      const atMs = clock.monotonicMs();
      const { account } = key;
      const one = { account, known, suspected, suspectedOfOtherAccounts: 0, atMs };
      noted.set(text, one);
      add(one, 1);
    },
    elsewhere(key) {
      const own = noted.peek(placementText(key));
      const known = total.known - (own?.known ?? 0);
      const suspected = total.suspected - (own?.suspected ?? 0);
      let worst = { account: key.account, suspected: 0 };
      for (const [account, sum] of ill) {
        const others = account === key.account ? sum - (own?.suspected ?? 0) : sum;
        if (others > worst.suspected) worst = { account, suspected: others };
      }
      const isOwn = worst.account === key.account;
      const worstKnown = (knownOf.get(worst.account) ?? 0) - (isOwn ? (own?.known ?? 0) : 0);
      const ofAccount = ill.get(key.account) ?? 0;
      return {
        known: known - (worst.suspected > 0 ? worstKnown : 0),
        suspected: suspected - worst.suspected,
        suspectedOfOtherAccounts: total.suspected - ofAccount - (isOwn ? 0 : worst.suspected),
      };
    },
  };
}

function addTo(sums: Map<AccountId, number>, account: AccountId, count: number): void {
  const sum = (sums.get(account) ?? 0) + count;
  if (sum === 0) sums.delete(account);
  else sums.set(account, sum);
}
