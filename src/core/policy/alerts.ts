import type { PolicyMarks } from "../model/placement.js";
import type { AlertMark, AlertRule, AlertState, Policy } from "../model/policy.js";

/** Alert keys that are remembered per policy; beyond, the stalest gives way. */
export const alertKeysMax = 1_000;
/** A key that was silent for so many times to live is forgotten. */
const livesUntilForgotten = 2;
/** No policy circles back more often (B3.3). */
export const repeatMinMs = 30_000;

/** What the store is told about alert marks: their rows change one by one. */
export interface AlertMarkChanges {
  readonly puts: readonly AlertMark[];
  readonly deletes: readonly Pick<AlertMark, "policy" | "key">[];
}

const severity = { ok: 0, unknown: 1, warning: 2, critical: 3 } as const satisfies Record<
  AlertState,
  number
>;

/** The key's state now: UNKNOWN once it was not refreshed within its time to live (B3.2). */
export function liveState(mark: AlertMark, rule: AlertRule, nowMs: number): AlertState {
  return nowMs - mark.refreshedAtMs > rule.timeToLiveMs ? "unknown" : mark.state;
}

/** Keys vote: so many of them make a state the policy's (B3.2); any one where it says no share. */
export function votesNeeded(keys: number, { votesPartsPerMillion = 0 }: AlertRule): number {
  return Math.max(1, Math.ceil((keys * votesPartsPerMillion) / 1_000_000));
}

/**
 * What the policy sees (B3.2): the worst state that enough of its keys are in, or in a worse one.
 * Where any key is enough, one key's OK never clears another's CRITICAL. UNKNOWN stands above OK
 * and votes for nothing else. No key at all is UNKNOWN, as missing data is (B3.4).
 */
export function aggregateState(
  marks: readonly AlertMark[],
  rule: AlertRule,
  nowMs: number,
): AlertState {
  const states = marks.map((mark) => liveState(mark, rule, nowMs));
  const worstFirst = states.toSorted((a, b) => severity[b] - severity[a]);
  return worstFirst[votesNeeded(states.length, rule) - 1] ?? "unknown";
}

/** Whether the policy acts in this state. CRITICAL is at least a WARNING; UNKNOWN is neither. */
export function actsIn(state: AlertState, actsOn: AlertRule["actsOn"]): boolean {
  return severity[state] >= severity[actsOn];
}

export interface AlertReport {
  readonly key: string;
  readonly state: AlertState;
  readonly value?: number;
}

export interface Recorded {
  /** The policy's marks from now on. */
  readonly marks: readonly AlertMark[];
  readonly changes: AlertMarkChanges;
}

/**
 * Takes a report in: "since" stays while the state does. Marks of other policies must not be
 * given.
 */
export function recordReport(
  marks: readonly AlertMark[],
  report: AlertReport,
  { policy, nowMs }: { readonly policy: Policy; readonly nowMs: number },
): Recorded {
  const { key, state, value } = report;
  const before = marks.find((mark) => mark.key === key);
  const same = before !== undefined && liveState(before, policy.alert, nowMs) === state;
  const sinceMs = same ? before.sinceMs : nowMs;
  const measured = value === undefined ? {} : { value };
  const times = { sinceMs, refreshedAtMs: nowMs };
  const fresh: AlertMark = { policy: policy.id, key, state, ...times, ...measured };
  const others = marks.filter((mark) => mark.key !== key);
  const kept = new Set(worthKeeping(others, policy.alert, nowMs).slice(0, alertKeysMax - 1));
  const gone = others.filter((mark) => !kept.has(mark));
  const deletes = gone.map((mark) => ({ policy: mark.policy, key: mark.key }));
  return { marks: [...kept, fresh], changes: { puts: [fresh], deletes } };
}

/** Whether a key has been silent for so long that its mark may go. */
export function isForgotten(mark: AlertMark, rule: AlertRule, nowMs: number): boolean {
  return nowMs - mark.refreshedAtMs > livesUntilForgotten * rule.timeToLiveMs;
}

/** Worst state first, then freshest: what is cut off the end matters least. */
function worthKeeping(
  marks: readonly AlertMark[],
  rule: AlertRule,
  nowMs: number,
): readonly AlertMark[] {
  const rank = (mark: AlertMark) => severity[liveState(mark, rule, nowMs)];
  return marks
    .filter((mark) => !isForgotten(mark, rule, nowMs))
    .toSorted((a, b) => rank(b) - rank(a) || b.refreshedAtMs - a.refreshedAtMs);
}

/**
 * Notes when the policy's aggregate enters the state it acts in, and forgets all about it when it
 * leaves (B3.2). `actedAtMs` and `repeats` belong to one such stay: without `actedAtMs` the policy
 * has not acted on it yet.
 */
export function settleEntered(
  marks: PolicyMarks,
  stay: { readonly stands: boolean; readonly nowMs: number; readonly eventId?: string },
): PolicyMarks {
  const {
    enteredAtMs,
    enteredBy: _by,
    actedAtMs: _acted,
    repeats: _repeats,
    heldUntilMs: _held,
    ...rest
  } = marks;
  if (!stay.stands) return enteredAtMs === undefined ? marks : rest;
  if (enteredAtMs !== undefined) return marks;
  const enteredBy = stay.eventId === undefined ? {} : { enteredBy: stay.eventId };
  return { ...rest, enteredAtMs: stay.nowMs, ...enteredBy };
}

/** Marks of a policy which has acted, or tried to, on the state that it is in. */
export function markActed(
  marks: PolicyMarks,
  acted: { atMs: number; applied: boolean },
): PolicyMarks {
  if (marks.enteredAtMs === undefined) return marks;
  const first = marks.actedAtMs === undefined;
  const repeats = (marks.repeats ?? 0) + (acted.applied && !first ? 1 : 0);
  const { heldUntilMs: _held, ...rest } = marks;
  return { ...rest, actedAtMs: acted.atMs, repeats };
}

/**
 * From when on the alert lets the policy act: after the hold, then at every repeat (B3.2, B3.3).
 */
export type Readiness =
  | { readonly kind: "notEntered" }
  | { readonly kind: "exhausted"; readonly repeats: number }
  | { readonly kind: "hold" | "repeat"; readonly atMs: number };

export function readinessOf(marks: PolicyMarks, rule: AlertRule): Readiness {
  const { enteredAtMs, actedAtMs, repeats = 0 } = marks;
  if (enteredAtMs === undefined) return { kind: "notEntered" };
  if (actedAtMs === undefined) return { kind: "hold", atMs: enteredAtMs + rule.holdMs };
  if (repeats >= rule.repeatsMax) return { kind: "exhausted", repeats };
  return { kind: "repeat", atMs: actedAtMs + Math.max(rule.repeatMs, repeatMinMs) };
}
