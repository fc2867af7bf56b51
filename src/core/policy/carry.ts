import type { Group } from "../model/group.js";
import type { ColoId } from "../model/ids.js";
import type { CarriedShare, PlacementDoc } from "../model/placement.js";
import { sum } from "./numbers.js";
import { splitTarget } from "./split.js";

/**
 * How a colo does, as another one sees it. `unsteady`: it has turned, and not stood so for long
 * enough to be acted on; `cannotStart`: it answers, and a brake or its store keeps it from creates.
 */
export type ColoHealth = "well" | "unsteady" | "unreachable" | "cannotStart";

/** Another placement of the group as it is seen here; what is seen may be old. */
export interface OtherPart {
  readonly colo: ColoId;
  readonly health: ColoHealth;
  readonly max: number;
  readonly target: number;
  readonly serving: number;
  readonly isPaused: boolean;
}

export interface CarryInput {
  readonly nowMs: number;
  readonly group: Pick<Group, "placements" | "spill" | "deleting">;
  readonly own: PlacementDoc;
  readonly others: readonly OtherPart[];
}

/**
 * What a placement carries of the shares of colos that cannot see to their own (B11.4): those that
 * can split it by weight, within their own max. Each works out its own part from what it sees, so
 * that it needs nobody's word for it; where they see differently there are too few or too many for
 * a while, and never more than the placements' max.
 *
 * Of a colo that cannot be reached all counts as missing, since nobody can tell; of one that starts
 * no servers, what does not serve. A share goes back as the colo's own servers come into service.
 *
 * @returns the very list given where nothing changes.
 */
export function carriedBy(input: CarryInput): readonly CarriedShare[] {
  const { nowMs, group, own, others } = input;
  const before = own.carried ?? [];
  if (own.paused) return before;
  if (!group.spill || group.deleting || own.deleting) return before.length === 0 ? before : [];
  const able = others.filter(({ health }) => health === "well" || health === "unsteady");
  const filled = new Map<ColoId, number>([own, ...able].map((one) => [coloOf(one), one.target]));
  const carried: CarriedShare[] = [];
  for (const { colo } of group.placements) {
    const other = others.find((one) => one.colo === colo);
    if (!other || other.isPaused) continue;
    const had = before.find((one) => one.colo === colo);
    const part = partOf(input, other, { had, able, filled });
    if (part === 0) continue;
    filled.set(own.key.colo, filled.get(own.key.colo)! + part);
    carried.push({ colo, servers: part, sinceMs: had?.sinceMs ?? nowMs });
  }
  return isSame(before, carried) ? before : carried;
}

interface Around {
  readonly had: CarriedShare | undefined;
  readonly able: readonly OtherPart[];
  /** What each of those that can has to have already. */
  readonly filled: ReadonlyMap<ColoId, number>;
}

function partOf({ group, own }: CarryInput, other: OtherPart, around: Around): number {
  const { had, able, filled } = around;
  const { health, target, serving } = other;
  if (health === "unsteady") return had?.servers ?? 0;
  const missing = health === "unreachable" ? target : Math.max(0, target - serving);
  const maxes = new Map<ColoId, number>([own, ...able].map((one) => [coloOf(one), one.max]));
  const placements = group.placements
    .filter(({ colo }) => colo !== other.colo && maxes.has(colo))
    .map(({ colo, weight }) => {
      const current = filled.get(colo)!;
      return { colo, weight, current, min: 0, max: Math.max(current, maxes.get(colo)!) };
    });
  const total = sum(placements.map(({ current }) => current)) + missing;
  const split = splitTarget({ total, placements }).find(({ colo }) => colo === own.key.colo);
  const part = split ? split.newTarget - split.oldTarget : 0;
  // Who is back takes over step by step, and asks for nothing anew.
  return health === "well" ? Math.min(part, had?.servers ?? 0) : part;
}

function coloOf(one: PlacementDoc | OtherPart): ColoId {
  return "key" in one ? one.key.colo : one.colo;
}

function isSame(before: readonly CarriedShare[], after: readonly CarriedShare[]): boolean {
  return (
    before.length === after.length &&
    before.every(
      ({ colo, servers }, index) =>
        colo === after[index]!.colo && servers === after[index]!.servers,
    )
  );
}
