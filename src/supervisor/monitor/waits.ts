import { checkWaits } from "../../core/invariants/check-waits.js";
import type { Violation } from "../../core/invariants/violation.js";
import type { Group } from "../../core/model/group.js";
import { type GroupKey, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { PlacementBook } from "../placements/placement-book.js";
import type { PlacementState } from "../placements/placement-state.js";
import type { Where } from "./findings.js";

/** Walks over the ledgers in memory for waits that nobody ends and nobody reports (I10). */
export interface Waits {
  start(): void;
  stop(): void;
}

const everyMs = 60_000;
/** Beyond every deadline: two rounds of the patrol, which looks whatever got lost. */
const graceMs = 10 * 60_000;
/** A node that stood still finds everything overdue at once: its turns come first. */
const sweepsMin = 5;
const drainTimeoutMsMax = 3_600_000;

export function createWaits(deps: {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly placements: Pick<PlacementBook, "known" | "open">;
  readonly holds: (key: PlacementKey) => boolean;
  readonly groupOf: (key: GroupKey) => Group | undefined;
  readonly listingLagMs: (key: PlacementKey) => number;
  readonly report: (found: readonly Violation[], where: Where) => void;
}): Waits {
  const { clock, log, signal, placements, holds, groupOf, report } = deps;
  let timer: Timer | undefined;
  let sweptAtMs = clock.monotonicMs();
  /** How many sweeps in a row found it, by placement and finding. */
  let overdue: ReadonlyMap<string, number> = none;

  function overdueIn(state: PlacementState | undefined): Violation | undefined {
    if (!state || state.servers.size === 0 || !holds(state.key)) return undefined;
    const group = groupOf(state.key);
    return (
      group &&
      checkWaits(state, clock.nowMs(), {
        buildTimeoutMs: group.buildTimeoutMs,
        drainTimeoutMs: drainTimeoutMsMax,
        listingLagMs: deps.listingLagMs(state.key),
        graceMs,
      })
    );
  }

  /** Memory may be of before a lease was gained, of a group that has ended since. */
  async function confirm(key: PlacementKey): Promise<void> {
    try {
      const found = overdueIn(await placements.open(key).state(signal));
      if (found) report([found], { colo: key.colo, key });
    } catch (error) {
      if (!signal.aborted) log.warn({ ...key, error: String(error) }, "a wait was not looked into");
    }
  }

  function sweep(): void {
    const nowMs = clock.monotonicMs();
    const stoodStill = nowMs - sweptAtMs > 2 * everyMs;
    sweptAtMs = nowMs;
    let next: Map<string, number> | undefined;
    for (const { key, peek } of placements.known()) {
      const found = overdueIn(peek());
      if (!found) continue;
      const text = `${placementText(key)}|${found.key}`;
      const times = stoodStill ? 1 : (overdue.get(text) ?? 0) + 1;
      next ??= new Map();
      next.set(text, times);
      if (times >= sweepsMin) void confirm(key);
    }
    overdue = next ?? none;
    timer = clock.after(everyMs, sweep);
  }

  return {
    start() {
      sweptAtMs = clock.monotonicMs();
      timer = clock.after(everyMs, sweep);
    },
    stop: () => timer?.cancel(),
  };
}

const none: ReadonlyMap<string, number> = new Map();
