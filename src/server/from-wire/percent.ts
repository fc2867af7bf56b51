import { invalidFields } from "../../core/errors/fault.js";

/**
 * Percent with at most 4 decimals as whole parts per million, so that arithmetic stays exact.
 * @throws Fault `FIELD_INVALID` naming the field.
 */
export function readPercent(percent: number, field: string): number {
  const partsPerMillion = Math.round(percent * 10_000);
  // Dividing whole numbers gives the nearest double of the decimal, which is what a parser gives.
  if (partsPerMillion / 10_000 === percent) return partsPerMillion;
  throw invalidFields([{ field, description: "must have at most 4 decimals" }]);
}
