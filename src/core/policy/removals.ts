import type { ScaleInLimit } from "../model/group.js";
import type { Removal } from "../model/placement.js";
import { sum } from "./numbers.js";

/** More are not told apart: the two oldest then count as one, from when the newer of them was. */
const removalsMax = 64;

/** What still counts against the limit, oldest first. */
export function countedRemovals(
  removals: readonly Removal[] = [],
  { withinMs }: ScaleInLimit,
  nowMs: number,
): readonly Removal[] {
  return removals.filter(({ atMs }) => nowMs - Math.min(atMs, nowMs) < withinMs);
}

/** How many may be taken within the limit's time, of those that were there, and were taken. */
export function removableOf(
  { servers, partsPerMillion = 0 }: ScaleInLimit,
  counted: readonly Removal[],
  from: number,
): { readonly most: number; readonly taken: number } {
  const taken = sum(counted.map((one) => one.servers));
  // A share of few servers is still one of them: else a small group could never scale in.
  const share = Math.max(1, Math.floor(((from + taken) * partsPerMillion) / 1_000_000));
  return { most: servers ?? share, taken };
}

export function withRemoval(counted: readonly Removal[], removal: Removal): readonly Removal[] {
  const all = [...counted, removal];
  const [oldest, second, ...rest] = all;
  if (all.length <= removalsMax || oldest === undefined || second === undefined) return all;
  return [{ atMs: second.atMs, servers: oldest.servers + second.servers }, ...rest];
}
