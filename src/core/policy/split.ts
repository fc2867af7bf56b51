import { serversPerPlacementMax } from "../model/hard-limits.js";
import type { ColoId } from "../model/ids.js";
import type { PlacementTarget } from "../model/scale-event.js";
import { clamp, count, sum } from "./numbers.js";

export interface SplitPlacement {
  readonly colo: ColoId;
  readonly min: number;
  readonly max: number;
  /** 0: gets servers only beyond what all others can take. */
  readonly weight: number;
  readonly current: number;
}

export interface SplitRequest {
  readonly total: number;
  readonly placements: readonly SplitPlacement[];
  /** Forced: when the placements' own limits are used up, goes on to the hard ones (B2.7). */
  readonly beyondLimits?: boolean;
}

const weightMax = 1_000_000;

interface Slot {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/**
 * Splits a total over placements by weight, largest remainder first, in the placements' order,
 * which also breaks ties (B11.1). The parts sum up to the total clamped between the sums of min
 * and max.
 *
 * As few servers move as possible: a higher total takes from none, a lower one gives to none. So a
 * placement that is outside its limits already comes nearer to them, never further away, but may
 * take more than one event to arrive. Only a total that stays may move servers, into their limits.
 */
export function splitTarget(request: SplitRequest): readonly PlacementTarget[] {
  const { beyondLimits = false } = request;
  const placements = request.placements.map(tidy);
  const total = clampTotal(count(request.total), placements, beyondLimits);
  const stays = total === sum(placements.map(({ current }) => current)) && !beyondLimits;
  const start = placements.map(({ current, min, max }) =>
    stays ? clamp(current, min, max) : current,
  );
  const way =
    total >= sum(start)
      ? upwards(start, placements, beyondLimits)
      : downwards(start, placements, beyondLimits);
  const targets = share(total, slotsBetween(way, total, placements));
  return placements.map(({ colo, current }, index) => ({
    colo,
    oldTarget: current,
    newTarget: targets[index] ?? current,
  }));
}

function tidy(placement: SplitPlacement): SplitPlacement {
  const min = Math.min(count(placement.min), serversPerPlacementMax);
  const max = clamp(count(placement.max), min, serversPerPlacementMax);
  const weight = Number.isNaN(placement.weight) ? 0 : clamp(placement.weight, 0, weightMax);
  return { colo: placement.colo, min, max, weight, current: count(placement.current) };
}

function clampTotal(
  total: number,
  placements: readonly SplitPlacement[],
  beyondLimits: boolean,
): number {
  if (beyondLimits) return clamp(total, 0, placements.length * serversPerPlacementMax);
  return clamp(total, sum(placements.map(({ min }) => min)), sum(placements.map(({ max }) => max)));
}

/** The stations of a rising total, none below the one before: first all mins are met. */
function upwards(
  start: readonly number[],
  placements: readonly SplitPlacement[],
  beyondLimits: boolean,
): readonly (readonly number[])[] {
  const toMin = start.map((one, index) => Math.max(one, placements[index]!.min));
  const toMax = toMin.map((one, index) => Math.max(one, placements[index]!.max));
  const toHard = toMax.map((one) => Math.max(one, serversPerPlacementMax));
  return beyondLimits ? [start, toMin, toMax, toHard] : [start, toMin, toMax];
}

/** The stations of a falling total, none above the one before: first all maxes are met. */
function downwards(
  start: readonly number[],
  placements: readonly SplitPlacement[],
  beyondLimits: boolean,
): readonly (readonly number[])[] {
  const toMax = start.map((one, index) => Math.min(one, placements[index]!.max));
  const toMin = toMax.map((one, index) => Math.min(one, placements[index]!.min));
  const toZero = toMin.map(() => 0);
  return beyondLimits ? [start, toMax, toMin, toZero] : [start, toMax, toMin];
}

/** Between which two stations the total lies: room for every placement to move in. */
function slotsBetween(
  way: readonly (readonly number[])[],
  total: number,
  placements: readonly SplitPlacement[],
): readonly Slot[] {
  const rising = total >= sum(way[0]!);
  const passed = way.findIndex((stop) => (rising ? sum(stop) >= total : sum(stop) <= total));
  const last = passed === -1 ? way.length - 1 : passed;
  const from = way[Math.max(0, last - 1)]!;
  const to = way[last]!;
  return placements.map(({ weight }, index) => ({
    low: Math.min(from[index]!, to[index]!),
    high: Math.max(from[index]!, to[index]!),
    weight,
  }));
}

/** The whole numbers within the slots which sum up to the total and are nearest to the weights. */
function share(total: number, slots: readonly Slot[]): readonly number[] {
  const targets = slots.map(({ low }) => low);
  let open = slots.map((_, index) => index);
  let left = total;
  // A slot whose portion falls outside it is pinned to its edge, and the rest shared anew: at most
  // as many rounds as slots. Only the side that weighs more is pinned: that may free the other.
  for (let round = 0; round < slots.length && open.length > 0; round++) {
    const portions = portionsOf(left, open, slots);
    const strain = sum(open.map((slot, at) => edge(portions[at]!, slots[slot]!) - portions[at]!));
    const pinned = open.filter((slot, at) => {
      const beyond = edge(portions[at]!, slots[slot]!) - portions[at]!;
      return beyond !== 0 && (strain === 0 || beyond > 0 === strain > 0);
    });
    if (pinned.length === 0) break;
    for (const slot of pinned) {
      const portion = portions[open.indexOf(slot)]!;
      targets[slot] = edge(portion, slots[slot]!);
      left -= targets[slot]!;
    }
    open = open.filter((slot) => !pinned.includes(slot));
  }
  for (const [slot, target] of roundPortions(left, open, slots)) targets[slot] = target;
  return targets;
}

function edge(portion: number, { low, high }: Slot): number {
  return clamp(portion, low, high);
}

/** Where only placements without weight are left, they count alike. */
function weightsOf(open: readonly number[], slots: readonly Slot[]): readonly number[] {
  const weights = open.map((slot) => slots[slot]!.weight);
  return sum(weights) > 0 ? weights : open.map(() => 1);
}

function portionsOf(
  left: number,
  open: readonly number[],
  slots: readonly Slot[],
): readonly number[] {
  const weights = weightsOf(open, slots);
  const weightSum = sum(weights);
  return weights.map((weight) => (left * weight) / weightSum);
}

/** Largest remainder first; equal ones in the placements' order. */
function roundPortions(
  left: number,
  open: readonly number[],
  slots: readonly Slot[],
): readonly (readonly [slot: number, target: number])[] {
  const weights = weightsOf(open, slots);
  const weightSum = sum(weights);
  const parts = open.map((slot, at) => {
    const product = left * weights[at]!;
    const floor = clamp(Math.floor(product / weightSum), slots[slot]!.low, slots[slot]!.high);
    return { slot, floor, remainder: product - floor * weightSum };
  });
  let missing = left - sum(parts.map(({ floor }) => floor));
  const ranked = parts.toSorted((a, b) => b.remainder - a.remainder);
  return ranked.map(({ slot, floor }) => {
    const extra = missing > 0 && floor < slots[slot]!.high ? 1 : 0;
    missing -= extra;
    return [slot, floor + extra] as const;
  });
}
