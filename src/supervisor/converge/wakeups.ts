import PQueue from "p-queue";
import { type ColoId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock, Timer } from "../../core/ports/clock.js";

/**
 * When which placement is looked at. A wake-up carries the placement's key and nothing else;
 * however many come, a placement has one turn at a time, and one more after a wake-up during its
 * turn.
 */
export interface Wakeups {
  wake(key: PlacementKey): void;
  wakeAt(key: PlacementKey, atMs: number): void;
  stop(): Promise<void>;
}

interface Placed {
  readonly key: PlacementKey;
  timer?: Timer | undefined;
  dueMs: number;
  standing: "idle" | "queued" | "running";
  /** Woken while running: the turn may have looked too early. */
  dirty: boolean;
}

/** Turns of one colo at once: they wait for the outside more than they work. */
const turnsMax = 256;

export function createWakeups(clock: Clock, turn: (key: PlacementKey) => Promise<void>): Wakeups {
  // A colo whose outside hangs must not hold up the turns of the others.
  const turnsOf = new Map<ColoId, PQueue>();
  const all = new Map<string, Placed>();
  let stopped = false;

  const placedOf = (key: PlacementKey): Placed => {
    const text = placementText(key);
    const known = all.get(text);
    if (known) return known;
    const fresh: Placed = {
      key,
      dueMs: Number.POSITIVE_INFINITY,
      standing: "idle",
      dirty: false,
    };
    all.set(text, fresh);
    return fresh;
  };

  function wake(placed: Placed): void {
    if (stopped) return;
    if (placed.standing === "running") placed.dirty = true;
    if (placed.standing !== "idle") return;
    placed.standing = "queued";
    placed.timer?.cancel();
    placed.timer = undefined;
    placed.dueMs = Number.POSITIVE_INFINITY;
    void queueOf(placed.key.colo).add(() => run(placed));
  }

  function queueOf(colo: ColoId): PQueue {
    const known = turnsOf.get(colo);
    if (known) return known;
    const fresh = new PQueue({ concurrency: turnsMax });
    turnsOf.set(colo, fresh);
    return fresh;
  }

  async function run(placed: Placed): Promise<void> {
    if (stopped) return;
    placed.standing = "running";
    placed.dirty = false;
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
    wakeAt(key, atMs) {
      const placed = placedOf(key);
      if (stopped || atMs >= placed.dueMs) return;
      placed.timer?.cancel();
      placed.dueMs = atMs;
      placed.timer = clock.after(Math.max(minDelayMs, atMs - clock.nowMs()), () => {
        placed.timer = undefined;
        placed.dueMs = Number.POSITIVE_INFINITY;
        wake(placed);
      });
    },
    async stop() {
      stopped = true;
      for (const placed of all.values()) placed.timer?.cancel();
      await Promise.all([...turnsOf.values()].map((turns) => turns.onIdle()));
    },
  };
}

/** A plan that asks for "now" again and again still leaves room for others. */
const minDelayMs = 10;
