import { type ColoId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Doubt } from "../../core/model/observation.js";
import type { Clock } from "../../core/ports/clock.js";
import { createRecent } from "../recent.js";

/** A moment since which nothing that this node knows of a colo is taken for proven. */
export interface ColoDoubt {
  readonly why: Doubt["why"];
  readonly sinceMs: number;
}

/**
 * What this node may not delete surplus by yet (B9.5): after its start, a take-over or a loss of
 * the store, each placement is in doubt until its ledger and a fresh listing agree.
 */
export interface Doubts {
  /** One that no turn has begun with yet stands: nothing was proven since. */
  raise(colo: ColoId, why: Doubt["why"]): void;
  of(key: PlacementKey): ColoDoubt | undefined;
  /** When the colo's last doubt was raised, settled or not. */
  sinceMs(colo: ColoId): number;
  /** Ledger and listing, both asked for after this doubt came up, agree. */
  settle(key: PlacementKey, doubt: ColoDoubt): void;
}

/** Beyond it the longest settled ones are proven anew: that costs one read each. */
const settledMax = 100_000;

export function createDoubts({ nowMs }: Pick<Clock, "nowMs">): Doubts {
  const raised = new Map<ColoId, ColoDoubt>();
  const settled = createRecent<string, ColoDoubt>(settledMax);
  const asked = new WeakSet<ColoDoubt>();
  return {
    raise(colo, why) {
      const standing = raised.get(colo);
      const isUnasked = standing && !asked.has(standing);
      raised.set(colo, { why: isUnasked ? standing.why : why, sinceMs: nowMs() });
    },
    of(key) {
      const doubt = raised.get(key.colo);
      if (doubt) asked.add(doubt);
      return doubt && settled.get(placementText(key)) !== doubt ? doubt : undefined;
    },
    sinceMs: (colo) => raised.get(colo)?.sinceMs ?? 0,
    settle: (key, doubt) => void settled.set(placementText(key), doubt),
  };
}
