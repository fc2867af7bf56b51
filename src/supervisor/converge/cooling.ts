import { type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";

/** Steps that were just done or failed: not to be done again before a stated delay has passed. */
export interface Cooling {
  start(key: PlacementKey, step: string, delayMs: number): void;
  of(key: PlacementKey): Iterable<string>;
}

export function createCooling(clock: Clock, wake: (key: PlacementKey) => void): Cooling {
  const all = new Map<string, Set<string>>();
  return {
    start(key, step, delayMs) {
      const text = placementText(key);
      const mine = all.get(text) ?? new Set<string>();
      all.set(text, mine.add(step));
      clock.after(delayMs, () => {
        mine.delete(step);
        if (mine.size === 0) all.delete(text);
        wake(key);
      });
    },
    of: (key) => all.get(placementText(key)) ?? [],
  };
}
