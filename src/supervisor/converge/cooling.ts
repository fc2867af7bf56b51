import { type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";

/** Steps that were just done or failed: not to be done again before a stated delay has passed. */
export interface Cooling {
  start(key: PlacementKey, step: string, delayMs: number): void;
  of(key: PlacementKey): Iterable<string>;
}

export function createCooling(clock: Clock, wake: (key: PlacementKey) => void): Cooling {
  const all = new Map<string, Map<string, number>>();
  return {
    start(key, step, delayMs) {
      const text = placementText(key);
      const mine = all.get(text) ?? new Map<string, number>();
      all.set(text, mine);
      const untilMs = clock.monotonicMs() + delayMs;
      if ((mine.get(step) ?? 0) >= untilMs) return; // The longer of two delays holds.
      mine.set(step, untilMs);
      clock.after(delayMs, () => {
        if (mine.get(step) !== untilMs) return;
        mine.delete(step);
        if (mine.size === 0 && all.get(text) === mine) all.delete(text);
        wake(key);
      });
    },
    of: (key) => all.get(placementText(key))?.keys() ?? [],
  };
}
