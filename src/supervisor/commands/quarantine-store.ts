import type { AccountId, ColoId, GroupId, PlacementKey } from "../../core/model/ids.js";
import type { Call } from "../../core/ports/call.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import { type PartitionId, parsePartition, type Store } from "../../core/ports/store.js";
import { createEventMaker } from "../events/event-maker.js";
import { applyChange, numbered, rowsBetween, stateOf } from "../placements/placement-state.js";
import { withQuarantine } from "./quarantine.js";

const atOnce = 64;

/**
 * Puts every placement of a store that nobody works with in quarantine: it is older than the cloud,
 * or may be (B9.5). What is in quarantine already stays as it is, so it may be repeated.
 *
 * @param names of partitions, placements among them
 * @returns how many placements there are
 * @throws Fault `STORE_UNAVAILABLE`, `COMMIT_UNKNOWN`; `PLACEMENT_CHANGED`: somebody works with it
 */
export async function quarantineStore(
  parts: {
    readonly storeOf: (partition: PartitionId) => Store;
    readonly clock: Clock;
    readonly ids: Ids;
  },
  names: readonly string[],
  why: { readonly reason: string; readonly principal: string },
  call: Call,
): Promise<number> {
  const { clock, ids, storeOf } = parts;
  const context = { clock, events: createEventMaker({ clock, ids }) };

  async function quarantine(partition: PartitionId): Promise<number> {
    const store = storeOf(partition);
    const key = placementOf(partition);
    const before = stateOf(key, await store.load(partition, ["doc"], call));
    const { events = [], ...change } = withQuarantine(context, before, why);
    if (change.doc) {
      const rows = rowsBetween(before, applyChange(before, change));
      const told = numbered(key, before.lastSequence, events);
      const commit = { partition, expectedRevision: before.revision, commitId: ids.next() };
      await store.commit({ ...commit, ...rows, events: told, hints: [] }, call);
    }
    return before.doc ? 1 : 0;
  }

  const placements = names.map(parsePartition).filter(({ scope }) => scope === "placement");
  let count = 0;
  for (let start = 0; start < placements.length; start += atOnce) {
    const done = await Promise.all(placements.slice(start, start + atOnce).map(quarantine));
    for (const one of done) count += one;
  }
  return count;
}

function placementOf({ key }: PartitionId): PlacementKey {
  const [account, group, colo] = key.split("/") as [AccountId, GroupId, ColoId];
  return { account, group, colo };
}
