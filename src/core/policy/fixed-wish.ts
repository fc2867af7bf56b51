import type { Cause } from "../model/cause.js";
import type { AlertMark, AlertRule, FixedAction } from "../model/policy.js";
import { applyAction } from "./arithmetic.js";

/** What an action makes of a base, before guards and limits. */
export interface Wish {
  readonly wanted: number;
  /** The rule of its arithmetic. */
  readonly rule: "B2.1" | "B2.2" | "B2.3";
  /** For receipts: `+2`, `-10 %`, `7`. Absent where `why` tells it all. */
  readonly asked?: string;
  /** Whether it adds to what was asked before, instead of naming a capacity (B2.6). */
  readonly isRelative: boolean;
  /** The measured numbers that it follows from, where it follows from any. */
  readonly why?: Cause;
  /** It takes a value that nobody has measured: missing data never scales (B3.4). */
  readonly isMissing?: true;
}

export interface WishInput {
  readonly nowMs: number;
  /** The base (B2.2). */
  readonly from: number;
  readonly alert: AlertRule;
  /** The policy's own marks. */
  readonly marks: readonly AlertMark[];
}

export function fixedWish(action: FixedAction, from: number): Wish {
  const wanted = applyAction(action, from);
  const rule = action.kind === "percent" ? "B2.3" : "B2.2";
  return { wanted, rule, asked: askedText(action), isRelative: action.kind !== "exact" };
}

function askedText(action: FixedAction): string {
  const signed = (value: number) => (value > 0 ? `+${value}` : `${value}`);
  if (action.kind === "change") return signed(action.change);
  if (action.kind === "percent") return `${signed(action.partsPerMillion / 10_000)} %`;
  return `${action.capacity}`;
}
