import type { PolicyId } from "../model/ids.js";
import type { PlacementDoc, PolicyMarks } from "../model/placement.js";
import type { AlertMark } from "../model/policy.js";

/** What the lead placement remembers about decisions (B11.2). */
export type LeadMarks = Pick<PlacementDoc, "groupMarks" | "policyMarks">;

/** One object, so that marks which stay empty are seen to be unchanged. */
export const noMarks: PolicyMarks = {};

export function policyMarksOf(marks: LeadMarks, policy: PolicyId): PolicyMarks {
  const known = Object.hasOwn(marks.policyMarks, policy) ? marks.policyMarks[policy] : undefined;
  return known ?? noMarks;
}

/** The same object where nothing changes, so that callers see at a glance whether to write. */
export function withPolicyMarks(
  marks: LeadMarks,
  policy: PolicyId,
  policyMarks: PolicyMarks,
): LeadMarks {
  if (policyMarksOf(marks, policy) === policyMarks) return marks;
  return { ...marks, policyMarks: { ...marks.policyMarks, [policy]: policyMarks } };
}

/**
 * Marks in the future are those of a clock that has stepped back since. They count as now, and are
 * stored so: else each look would start them anew, and lock for as long as the clock was ahead.
 */
export function marksUntil(
  marks: LeadMarks,
  policy: PolicyId | undefined,
  nowMs: number,
): LeadMarks {
  const groupMarks = timesUntil(marks.groupMarks, ["lastOutMs", "lastInMs"], nowMs);
  const settled = groupMarks === marks.groupMarks ? marks : { ...marks, groupMarks };
  if (policy === undefined) return settled;
  const before = policyMarksOf(marks, policy);
  const times = ["lastOutMs", "lastInMs", "enteredAtMs", "actedAtMs"] as const;
  const timely = timesUntil(before, times, nowMs);
  return withPolicyMarks(settled, policy, recommendedUntil(windowsUntil(timely, nowMs), nowMs));
}

export function alertMarkUntil(mark: AlertMark, nowMs: number): AlertMark {
  return timesUntil(mark, ["sinceMs", "refreshedAtMs"], nowMs);
}

/** A policy's own, of the marks of several. */
export function ownAlertMarks(
  marks: readonly AlertMark[],
  policy: PolicyId,
  nowMs: number,
): readonly AlertMark[] {
  return marks.filter((mark) => mark.policy === policy).map((mark) => alertMarkUntil(mark, nowMs));
}

function windowsUntil(marks: PolicyMarks, nowMs: number): PolicyMarks {
  const windows = Object.entries(marks.windows ?? {});
  if (!windows.some(([, window]) => window.openedAtMs > nowMs)) return marks;
  const timely = windows.map(([key, window]) => [key, timesUntil(window, ["openedAtMs"], nowMs)]);
  return { ...marks, windows: Object.fromEntries(timely) };
}

function recommendedUntil(marks: PolicyMarks, nowMs: number): PolicyMarks {
  const { recommended } = marks;
  if (recommended === undefined) return marks;
  const timely = timesUntil(recommended, ["sinceMs", "lastAtMs"], nowMs);
  const isAhead = recommended.highest.some(({ atMs }) => atMs > nowMs);
  const highest = recommended.highest.map((one) => timesUntil(one, ["atMs"], nowMs));
  const { cliff } = recommended;
  const settled = cliff && timesUntil(cliff, ["atMs"], nowMs);
  if (timely === recommended && !isAhead && settled === cliff) return marks;
  return { ...marks, recommended: { ...timely, highest, ...(settled && { cliff: settled }) } };
}

function timesUntil<Marks extends object>(
  marks: Marks,
  times: readonly (keyof Marks)[],
  nowMs: number,
): Marks {
  const ahead = times.filter((time) => Number(marks[time] ?? nowMs) > nowMs);
  if (ahead.length === 0) return marks;
  return { ...marks, ...Object.fromEntries(ahead.map((time) => [time, nowMs])) };
}
