import { type ColoId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Store } from "../../core/ports/store.js";
import { createRecent } from "../recent.js";
import {
  createPlacementActor,
  type PlacementActor,
  type PlacementActorDeps,
} from "./placement-actor.js";
import type { PlacementState } from "./placement-state.js";

/** The placements that this node works on, one actor each. Quiet ones leave memory again. */
export interface PlacementBook {
  open(key: PlacementKey): PlacementActor;
  /** The state as this node last knew it, without waiting. */
  peek(key: PlacementKey): PlacementState | undefined;
  /** Those in memory. */
  known(): Iterable<PlacementActor>;
  /** Other nodes may have written to this placement, or to any of the colo's. */
  distrust(of: PlacementKey | ColoId): void;
}

/** So many quiet placements are kept in memory; busy ones always are. */
const cachedMax = 20_000;

export function createPlacementBook(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signal: AbortSignal;
  readonly holds: (key: PlacementKey) => boolean;
  readonly committed: PlacementActorDeps["committed"];
}): PlacementBook {
  // An actor that is busy and falls out must not get a second one beside it: it is put back.
  const actors = createRecent<string, PlacementActor>(cachedMax, {
    dispose: (actor, text, reason) => {
      if (reason === "evict" && actor.isBusy()) queueMicrotask(() => actors.set(text, actor));
    },
  });
  return {
    open(key) {
      const text = placementText(key);
      const known = actors.get(text);
      if (known) return known;
      const actor = createPlacementActor({ ...deps, key, holds: () => deps.holds(key) });
      actors.set(text, actor);
      return actor;
    },
    peek: (key) => actors.get(placementText(key))?.peek(),
    known: () => actors.values(),
    distrust(of) {
      if (typeof of !== "string") actors.get(placementText(of))?.distrust();
      else for (const actor of actors.values()) if (actor.key.colo === of) actor.distrust();
    },
  };
}
