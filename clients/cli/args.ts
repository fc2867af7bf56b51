import { readFileSync } from "node:fs";
import { type Duration, durationFromMs } from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError } from "commander";

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const wholeDuration = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/** `90s`, `5m`, `1h30m` in milliseconds; undefined when it is no duration. */
export function durationMsOf(text: string): number | undefined {
  if (!wholeDuration.test(text)) return undefined;
  const parts = [...text.matchAll(part)];
  const totalMs = parts.reduce((sumMs, [, count, unit]) => {
    return sumMs + Number(count) * unitsMs[unit as keyof typeof unitsMs];
  }, 0);
  return Math.round(totalMs);
}

/** For commander: a duration longer than nothing. */
export function readDurationMs(text: string): number {
  const ms = durationMsOf(text);
  if (ms === undefined) throw new InvalidArgumentError("Durations look like 90s, 5m or 1h.");
  if (ms === 0) throw new InvalidArgumentError("It must be longer than nothing.");
  return ms;
}

/** Timers and the wire cannot count much further. */
const timeoutMsMax = 7 * unitsMs.d;

/** For commander: a duration of at most a week. */
export function readTimeoutMs(text: string): number {
  const ms = readDurationMs(text);
  if (ms > timeoutMsMax) throw new InvalidArgumentError("It must be at most 7d.");
  return ms;
}

export const readDuration = (text: string): Duration => durationFromMs(readDurationMs(text));

/** For commander, repeatable: `key=value`. */
export function readLabel(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const split = text.indexOf("=");
  if (split <= 0) throw new InvalidArgumentError("Labels look like key=value.");
  return { ...before, [text.slice(0, split)]: text.slice(split + 1) };
}

export interface LimitsArgument {
  readonly colo: string;
  readonly min: number;
  readonly max: number;
}

/** For commander, repeatable: `iad=2..20`. */
export function readLimits(
  text: string,
  before: readonly LimitsArgument[] = [],
): readonly LimitsArgument[] {
  const [, colo = "", min, max] = /^([a-z0-9-]+)=(\d{1,4})\.\.(\d{1,4})$/.exec(text) ?? [];
  if (colo === "") throw new InvalidArgumentError("Limits look like colo=min..max.");
  return [...before, { colo, min: Number(min), max: Number(max) }];
}

/** For commander, repeatable: the words so far and this one. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

export type TargetChange =
  | { readonly kind: "target"; readonly target: number }
  | { readonly kind: "change"; readonly change: number };

/** For commander: `5` is a target, `+2` and `-2` are changes. */
export function readTargetChange(text: string): TargetChange {
  if (!/^[+-]?\d{1,6}$/.test(text)) {
    throw new InvalidArgumentError("It must be a target (5) or a change (+2, -2).");
  }
  const number = Number(text);
  if (/^\d/.test(text)) return { kind: "target", target: number };
  if (number === 0) throw new InvalidArgumentError("A change of 0 changes nothing.");
  return { kind: "change", change: number };
}

/** For commander: a target, from 0. */
export function readTarget(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("It must be a number from 0.");
  return Number(text);
}

export function readNumber(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number)) {
    throw new InvalidArgumentError("It must be a number.");
  }
  return number;
}

/** For commander: a whole number from 1. */
export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a number from 1.");
  return Number(text);
}

/** For commander: an instant, `2026-11-23T08:00:00Z`, or how long ago, `90s`, `1h`. */
export function readInstantMs(text: string): number {
  const agoMs = durationMsOf(text);
  if (agoMs !== undefined) return Date.now() - agoMs;
  const instantMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instantMs)) {
    throw new InvalidArgumentError("It must be an instant (2026-11-23T08:00:00Z) or an age (1h).");
  }
  return instantMs;
}

/** For commander: the content of a small file, without white space around it. */
export function readSmallFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`It cannot be read: ${why}`);
  }
}
