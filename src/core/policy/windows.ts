import { type Cause, cause } from "../model/cause.js";
import type { PlacementSpec } from "../model/group.js";
import type { ColoId, EventId, ScheduleId } from "../model/ids.js";
import type { PlacementDoc, WindowLimits } from "../model/placement.js";
import type { Schedule, WindowSpec } from "../model/schedule.js";
import type { NextOccurrence } from "./agenda.js";
import { effectiveLimits, settleLimits } from "./limits.js";
import { sum } from "./numbers.js";
import { splitTarget } from "./split.js";

/** The windows that are open at a moment, together (B7.4). */
export interface OpenWindows {
  readonly schedules: readonly ScheduleId[];
  /** The largest min and floor, the smallest max. */
  readonly limits: WindowSpec;
  /** When the next one opens or this may be over; undefined: never. */
  readonly nextAtMs?: number;
}

/**
 * A window is open for its duration from each start on, one before the schedule was made included:
 * what holds is told by the schedules and the time alone, so nothing has to be remembered.
 */
export function openWindows(
  schedules: Iterable<Schedule>,
  { nowMs, next }: { readonly nowMs: number; readonly next: NextOccurrence },
): OpenWindows {
  const open: ScheduleId[] = [];
  const limits: WindowSpec[] = [];
  const turnsMs: number[] = [];
  for (const { id, timing, action } of schedules) {
    if (action.kind !== "window") continue;
    // The first start whose window is not over yet.
    const startMs = next(timing, nowMs - action.durationMs);
    if (startMs === undefined) continue;
    turnsMs.push(startMs > nowMs ? startMs : startMs + action.durationMs);
    if (startMs > nowMs) continue;
    open.push(id);
    limits.push(action.limits);
  }
  return {
    schedules: open.toSorted(),
    limits: {
      ...extreme("min", limits, Math.max),
      ...extreme("floor", limits, Math.max),
      ...extreme("max", limits, Math.min),
    },
    ...(turnsMs.length === 0 ? {} : { nextAtMs: Math.min(...turnsMs) }),
  };
}

function extreme(
  name: keyof WindowSpec,
  limits: readonly WindowSpec[],
  of: (...values: number[]) => number,
): WindowSpec {
  const given = limits.flatMap((one) => one[name] ?? []);
  return given.length === 0 ? {} : { [name]: of(...given) };
}

/**
 * A placement's part of what windows set for the whole group, by weight. Every colo comes to the
 * same parts by itself, from the group's configuration alone.
 */
function shareOf(
  placements: readonly PlacementSpec[],
  colo: ColoId,
  { min, max, floor }: WindowSpec,
): WindowSpec {
  const part = (total: number, of: readonly { readonly min: number; readonly max: number }[]) =>
    splitTarget({
      total,
      placements: placements.map(({ colo, weight }, at) => {
        const { min, max } = of[at]!;
        return { colo, weight, min, max, current: min };
      }),
    });
  const whole = placements.map((one) => ({ min: 0, max: one.max }));
  const maxes =
    max === undefined
      ? whole.map((one) => one.max)
      : part(Math.min(max, sum(whole.map((one) => one.max))), whole).map((one) => one.newTarget);
  const within = placements.map((one, at) => ({
    min: Math.min(one.min, maxes[at]!),
    max: maxes[at]!,
  }));
  const at = placements.findIndex((one) => one.colo === colo);
  const least = (total: number) => part(total, within)[at]?.newTarget ?? 0;
  return {
    ...(min === undefined ? {} : { min: least(min) }),
    ...(max === undefined ? {} : { max: maxes[at] ?? 0 }),
    ...(floor === undefined ? {} : { floor: least(floor) }),
  };
}

export interface WindowSettled {
  readonly doc: PlacementDoc;
  readonly causes: readonly Cause[];
  readonly turned: "opened" | "closed";
}

/**
 * The placement with the limits of the windows that are open now; undefined when it has them
 * already. Moves the target into them as an edit would (B1.6). A target that a floor alone held up
 * falls back when the floor ends, unless somebody has moved it since (B7.4).
 *
 * @param by the event that will tell of it.
 */
export function settleWindow(
  doc: PlacementDoc,
  of: { readonly placements: readonly PlacementSpec[]; readonly open: OpenWindows },
  { nowMs, by }: { readonly nowMs: number; readonly by: EventId },
): WindowSettled | undefined {
  const { window: before, ...rest } = doc;
  const { schedules, limits } = doc.deleting ? { schedules: [], limits: {} } : of.open;
  const share = shareOf(of.placements, doc.key.colo, limits);
  const next = schedules.length === 0 ? undefined : windowOf(share, schedules);
  if (isSame(before, next)) return undefined;
  const isUntouched = before?.floor !== undefined && before.floor.by === doc.movedBy;
  const base = isUntouched ? before.floor.before : doc.target;
  const { floor: _, ...unheld } = share;
  const plain = { ...rest, target: base, ...(next && { window: windowOf(unheld, schedules) }) };
  const { target: asked } = settleLimits(plain, nowMs);
  const { target } = settleLimits({ ...rest, target: asked, ...(next && { window: next }) }, nowMs);
  const moved = target !== doc.target;
  const holder = moved || !isUntouched ? by : before.floor.by;
  const floor = target > asked ? { floor: { before: asked, by: holder } } : {};
  const settled: PlacementDoc = {
    ...rest,
    target,
    ...(next && { window: { ...next, ...floor } }),
    ...(moved ? { targetChangedAtMs: nowMs, movedBy: by } : {}),
  };
  const opens = schedules.some((id) => !before?.schedules.includes(id));
  const now = effectiveLimits(settled, nowMs);
  const facts = { ...now, ...(next && { schedules: schedules.join(", ") }) };
  return {
    doc: settled,
    causes: [
      cause("B7.4", "WINDOW_LIMITS", { ...facts, oldTarget: doc.target, newTarget: target }),
    ],
    turned: opens ? "opened" : "closed",
  };
}

function windowOf({ min, max, floor }: WindowSpec, schedules: readonly ScheduleId[]): WindowLimits {
  const least = Math.max(min ?? 0, floor ?? 0);
  return {
    ...(min === undefined && floor === undefined ? {} : { min: least }),
    ...(max === undefined ? {} : { max }),
    schedules,
  };
}

function isSame(one: WindowLimits | undefined, other: WindowLimits | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.min === other.min &&
    one.max === other.max &&
    String(one.schedules) === String(other.schedules)
  );
}
