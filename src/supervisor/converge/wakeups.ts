import { type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Hands } from "../hands.js";

/**
 * When which placement is looked at. A wake-up carries the placement's key and nothing else;
 * however many come, a placement has one turn at a time, and one more after a wake-up during its
 * turn.
 */
export interface Wakeups {
  wake(key: PlacementKey): void;
  /** The same, before all that nobody waits for. */
  wakeNow(key: PlacementKey): void;
  wakeAt(key: PlacementKey, atMs: number): void;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

interface Placed {
  readonly key: PlacementKey;
  timer?: Timer | undefined;
  dueMs: number;
  standing: "idle" | "queued" | "running";
  /** Woken while running: the turn may have looked too early. */
  dirty: boolean;
  /** Somebody waits for the next turn. */
  isAwaited: boolean;
}

export function createWakeups(deps: {
  readonly clock: Clock;
  readonly hands: Hands;
  readonly turn: (key: PlacementKey) => Promise<void>;
  /** Whether somebody waits for what comes of it, whatever wakes it. */
  readonly isAwaited: (key: PlacementKey) => boolean;
}): Wakeups {
  const { clock, hands, turn } = deps;
  const all = new Map<string, Placed>();
  let stopped = false;

  const placedOf = (key: PlacementKey): Placed => {
    const text = placementText(key);
    const known = all.get(text);
    if (known) return known;
    const fresh: Placed = {
      ...{ key, dueMs: Number.POSITIVE_INFINITY },
      ...{ standing: "idle", dirty: false, isAwaited: false },
    };
    all.set(text, fresh);
    return fresh;
  };

  function wake(placed: Placed): void {
    if (stopped) return;
    const { key, standing } = placed;
    if (standing === "running") placed.dirty = true;
    if (standing === "queued" && placed.isAwaited) hands.hurry(key.colo, placementText(key));
    if (standing !== "idle") return;
    placed.standing = "queued";
    placed.timer?.cancel();
    placed.timer = undefined;
    placed.dueMs = Number.POSITIVE_INFINITY;
    const isAwaited = placed.isAwaited || deps.isAwaited(key);
    hands.take({ key: placementText(key), colo: key.colo, isAwaited, run: () => run(placed) });
  }

  async function run(placed: Placed): Promise<void> {
    if (stopped) return;
    placed.standing = "running";
    placed.dirty = false;
    placed.isAwaited = false;
    try {
      await turn(placed.key);
    } finally {
      placed.standing = "idle";
      if (placed.dirty) wake(placed);
      else if (!placed.timer) all.delete(placementText(placed.key));
    }
  }

  return {
    wake: (key) => wake(placedOf(key)),
    wakeNow(key) {
      const placed = placedOf(key);
      placed.isAwaited = true;
      wake(placed);
    },
    wakeAt(key, atMs) {
      const placed = placedOf(key);
      if (stopped || atMs >= placed.dueMs) return;
      placed.timer?.cancel();
      placed.dueMs = atMs;
      const spreadMs = deps.isAwaited(key) ? 0 : all.size * spreadMsEach;
      const delayMs = Math.max(delayMsMin, spreadMs, atMs - clock.nowMs());
      placed.timer = clock.after(delayMs, () => {
        placed.timer = undefined;
        placed.dueMs = Number.POSITIVE_INFINITY;
        wake(placed);
      });
    },
    async stop() {
      stopped = true;
      for (const placed of all.values()) placed.timer?.cancel();
      await hands.rest();
    },
  };
}

/** A plan that asks for "now" again and again still leaves room for others. */
const delayMsMin = 10;
/** Where thousands wait for the same cloud, looking again and again is not all that a node does. */
const spreadMsEach = 2;
