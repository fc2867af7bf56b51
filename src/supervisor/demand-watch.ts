import type { GroupKey } from "../core/model/ids.js";
import type { DemandDrop } from "../core/policy/decision.js";

/** A group counts as one whose demand drops for so long after its monitors have said so. */
const dropsForMs = 120_000;
/** A group counts as one that monitors speak for, for so long. */
const speaksForMs = 600_000;
/** So many at least must drop: what few groups do is their own business. */
const groupsMin = 5;
/** And such a part of those that monitors speak for. */
const partMin = 0.5;
/** A wish for so much of the target, or less, is a drop. */
const dropPart = 0.5;
const groupsMax = 100_000;

/** Sees when monitors of many groups want far fewer servers at once (B3.5), on this node. */
export interface DemandWatch {
  /** What a monitor's event alone asked for, of a target `from`. */
  note(key: GroupKey, wish: { readonly from: number; readonly wanted: number }): void;
  /** Undefined while not many groups drop. */
  drop(): DemandDrop | undefined;
}

export function createDemandWatch(clock: { nowMs(): number }): DemandWatch {
  // Maps keep the order in which they were written: the oldest come first.
  const spoken = new Map<string, number>();
  const dropped = new Map<string, number>();
  let sinceMs: number | undefined;

  function write(map: Map<string, number>, key: string): void {
    map.delete(key);
    map.set(key, clock.nowMs());
    if (map.size > groupsMax) map.delete(map.keys().next().value ?? key);
  }

  function forget(map: Map<string, number>, afterMs: number): void {
    const nowMs = clock.nowMs();
    for (const [key, atMs] of map) {
      if (Math.abs(nowMs - atMs) <= afterMs) return;
      map.delete(key);
    }
  }

  function settle(): void {
    forget(spoken, speaksForMs);
    forget(dropped, dropsForMs);
    const isMany = dropped.size >= groupsMin && dropped.size >= spoken.size * partMin;
    sinceMs = isMany ? (sinceMs ?? clock.nowMs()) : undefined;
  }

  return {
    note({ account, group }, { from, wanted }) {
      const key = `${account}/${group}`;
      write(spoken, key);
      if (wanted <= from * dropPart && wanted < from) write(dropped, key);
      else dropped.delete(key);
      settle();
    },
    drop() {
      settle();
      if (sinceMs === undefined) return undefined;
      return { sinceMs, groups: dropped.size, ofGroups: spoken.size };
    },
  };
}
