/** The way in which a change of the target goes; undefined where it goes nowhere. */
export type Direction = "out" | "in";

export function directionOf(from: number, to: number): Direction | undefined {
  if (to > from) return "out";
  return to < from ? "in" : undefined;
}

export function clamp(value: number, min: number, max: number): number {
  return Math.max(min, Math.min(max, value));
}

/** Far beyond all limits, and so small that sums and products with weights stay exact. */
export const countMax = 1_000_000_000;

/** A whole number ≥ 0 of whatever was stored or sent, so that deciding is total. */
export function count(value: number, max = countMax): number {
  if (Number.isNaN(value)) return 0;
  return clamp(Math.trunc(value), 0, max);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
