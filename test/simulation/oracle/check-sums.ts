import type { CommitSeen } from "../../../src/core/invariants/ledger.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { Group } from "../../../src/core/model/group.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { Ledgers } from "./ledgers.js";

interface Generation {
  readonly uid: string;
  readonly generation: number;
  readonly maxOfAll: number;
}

/**
 * B11.3 and B11.4 by counting over all colos, which no node can: neither targets nor the
 * placements' max ever sum up to more than the group's max, whichever colos hear of each other. An
 * edit holds from when its last placement has heard of it; until then the larger sum does.
 */
export function createSumChecks(ledgers: Ledgers) {
  const generations = new Map<string, Generation[]>();

  /** Those that some placement may still go by. */
  function note({ account, id, uid, generation, placements }: Group, docs: PlacementDoc[]) {
    const text = `${account}/${id}`;
    const known = (generations.get(text) ?? []).filter((one) => one.uid === uid);
    if (known.at(-1)?.generation !== generation)
      known.push({ uid, generation, maxOfAll: placements.reduce((sum, { max }) => sum + max, 0) });
    // One that has skipped an edit may still have what only the edits before gave it.
    const heard = docs.filter((doc) => doc.groupGeneration === generation).length;
    const kept = heard === placements.length ? known.slice(-1) : known;
    generations.set(text, kept);
    return kept;
  }

  return {
    committed({ after }: CommitSeen): Violation[] {
      const { account, group: id } = after.key;
      const group = ledgers.groups.get(`${account}/${id}`);
      if (!group) return [];
      const docs = group.placements.flatMap(({ colo }) => {
        const doc = ledgers.placements.get(`${account}/${id}/${colo}`)?.doc;
        return doc?.groupUid === group.uid ? [doc] : [];
      });
      const bound = Math.max(...note(group, docs).map((one) => one.maxOfAll));
      const key = `${account}/${id}/sum`;
      const max = docs.reduce((sum, doc) => sum + doc.max, 0);
      if (max > bound) return [violation("I4", "B11.4", key, { group: id, max, bound })];
      // Force passes limits, by a person's word (B2.7).
      if (docs.some((doc) => doc.forced)) return [];
      const total = docs.reduce((sum, doc) => sum + doc.target, 0);
      if (total <= bound) return [];
      return [violation("I4", "B11.3", key, { group: id, total, bound })];
    },
  };
}
