import type { Group } from "../model/group.js";
import type { ColoId } from "../model/ids.js";
import type { PlacementDoc } from "../model/placement.js";

/** The marks of an edit that makes this generation: whose max it lowers, besides earlier ones. */
export function loweredBy(
  before: Group,
  placements: Group["placements"],
  generation: number,
): NonNullable<Group["maxLowered"]> {
  const lowered = before.placements
    .filter(({ colo, max }) => max > maxIn(placements, colo))
    .map(({ colo }) => [colo, generation]);
  return { ...before.maxLowered, ...Object.fromEntries(lowered) };
}

/** Colos other than this one of which it matters whether they have heard of an edit. */
export function donorsFor(group: Group, colo: ColoId): readonly ColoId[] {
  const lowered = Object.keys(group.maxLowered ?? {}) as ColoId[];
  // What was never lowered anywhere else only grows: no edit of it takes from another.
  if (lowered.every((one) => one === colo)) return [];
  const all = new Set([...group.placements.map((one) => one.colo), ...lowered]);
  return [...all].filter((one) => one !== colo);
}

/**
 * Whether another placement, as seen, keeps one from having what this generation of the group gives
 * it (B11.4). It does until it has taken the last edit that lowered its max, and while it has more
 * than this generation leaves it: then there is a newer one, which takes it from somebody else.
 * With that, no two of them ever have together what no edit gave them together, whichever edits
 * each of them skips.
 *
 * `doc` is the other's, of this group; undefined: none is known. What is seen may be old: it waits.
 */
export function keepsFrom(group: Group, colo: ColoId, doc: PlacementDoc | undefined): boolean {
  const lowered = group.maxLowered?.[colo];
  if (!doc) return lowered !== undefined;
  if (lowered !== undefined && doc.groupGeneration < lowered) return true;
  return doc.max > maxIn(group.placements, colo);
}

function maxIn(placements: Group["placements"], colo: ColoId): number {
  return placements.find((one) => one.colo === colo)?.max ?? 0;
}
