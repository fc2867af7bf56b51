import type { PolicyId } from "../model/ids.js";
import type { PolicyMarks } from "../model/placement.js";
import type { AlertMark, Policy } from "../model/policy.js";
import type { ScaleAsk } from "../model/scale-event.js";
import {
  type AlertMarkChanges,
  isForgotten,
  readinessOf,
  repeatMinMs,
  settleEntered,
} from "./alerts.js";
import { coolsUntilMs } from "./cooldown.js";
import type { DecideInput, LeadFacts } from "./decision.js";
import {
  alertMarkUntil,
  type LeadMarks,
  marksUntil,
  policyMarksOf,
  withPolicyMarks,
} from "./marks.js";
import { directionOf } from "./numbers.js";
import { stands } from "./stands.js";
import { wishOf } from "./wish.js";

/** How often to ask again whether demand has been answered, which no clock can tell. */
export const unansweredLookMs = 30_000;

export interface CircleBackInput {
  readonly nowMs: number;
  readonly group: DecideInput["group"];
  readonly lead: LeadFacts;
  /** All policies of the group. */
  readonly policies: readonly Policy[];
  /** Alert marks of all those policies. */
  readonly alertMarks: readonly AlertMark[];
  /** The group's target: the sum over its placements. */
  readonly total: number;
  readonly unanswered: number;
}

/** An event of source "circleBack" to feed into `decide`, still without its id. */
export interface DuePolicy {
  readonly policy: PolicyId;
  readonly ask: ScaleAsk;
  /** The event that made the policy enter its state: the parent of what follows from it. */
  readonly enteredBy?: string;
  /** "hold": has not acted on its state yet. "repeat": has, and the alert still stands. */
  readonly why: "hold" | "repeat";
}

export interface CircleBack {
  /**
   * To be decided one after the other, each on what the one before has left: they share the group's
   * cooldown and the demand that waits.
   */
  readonly due: readonly DuePolicy[];
  /** The lead's marks from now on; each the very object given where it did not change. */
  readonly marks: LeadMarks;
  readonly alertMarks: AlertMarkChanges;
  /** When to look again at those that are not due; undefined when none waits for time to pass. */
  readonly nextAtMs?: number;
}

/**
 * Which policies are due to act on an alert that still stands: after its hold, after whatever made
 * it wait on entering, or to repeat (B3.2, B3.3). Also notes which alerts have ended by silence.
 * While the group or its alerts are paused, or it is deleted, none is due: ask again once it
 * resumes.
 */
export function circleBack(input: CircleBackInput): CircleBack {
  const { nowMs, lead, policies } = input;
  const isPaused = lead.paused !== undefined || lead.pausedProcesses?.alerts !== undefined;
  const stopped = isPaused || lead.deleting || input.group.deleting;
  let marks: LeadMarks = { groupMarks: lead.groupMarks, policyMarks: lead.policyMarks };
  const byPolicy = new Map(policies.map(({ id }) => [id, [] as AlertMark[]]));
  for (const mark of input.alertMarks) byPolicy.get(mark.policy)?.push(alertMarkUntil(mark, nowMs));
  const due: DuePolicy[] = [];
  const waitsMs: number[] = [];
  for (const policy of policies) {
    marks = marksUntil(marks, policy.id, nowMs);
    const timely = byPolicy.get(policy.id) ?? [];
    const doesStand = stands(policy, timely, nowMs);
    const stay = { stands: doesStand, nowMs };
    const settled = settleEntered(policyMarksOf(marks, policy.id), stay);
    marks = withPolicyMarks(marks, policy.id, settled);
    if (stopped || !doesStand) continue;
    const next = nextLook({ ...input, alertMarks: timely, policy, marks });
    if (next === "now") due.push(dueOf(policy, settled));
    else if (next !== undefined) waitsMs.push(next);
  }
  const nextAtMs = waitsMs.length === 0 ? {} : { nextAtMs: Math.min(...waitsMs) };
  return { due, marks, alertMarks: alertChanges(input), ...nextAtMs };
}

function dueOf(policy: Policy, { enteredBy, actedAtMs }: PolicyMarks): DuePolicy {
  return {
    policy: policy.id,
    ask: { kind: "policy", policy: policy.id },
    why: actedAtMs === undefined ? "hold" : "repeat",
    ...(enteredBy === undefined ? {} : { enteredBy }),
  };
}

/** Marks that a clock's step back left in the future, and marks of keys that nobody refreshes. */
function alertChanges({ alertMarks, policies, nowMs }: CircleBackInput): AlertMarkChanges {
  const rules = new Map(policies.map(({ id, alert }) => [id, alert]));
  const puts: AlertMark[] = [];
  const deletes: AlertMarkChanges["deletes"][number][] = [];
  for (const mark of alertMarks) {
    const rule = rules.get(mark.policy);
    const timely = alertMarkUntil(mark, nowMs);
    if (rule === undefined) continue;
    if (isForgotten(mark, rule, nowMs)) deletes.push({ policy: mark.policy, key: mark.key });
    else if (timely !== mark) puts.push(timely);
  }
  return { puts, deletes };
}

export interface LookInput {
  readonly nowMs: number;
  readonly group: Pick<DecideInput["group"], "cooldownMs">;
  readonly policy: Policy;
  /** Those of other policies are ignored. */
  readonly alertMarks: readonly AlertMark[];
  readonly marks: LeadMarks;
  readonly total: number;
  readonly unanswered: number;
}

/** When the policy should circle back; undefined while nothing but an event can make it act. */
export function nextLook(input: LookInput): number | "now" | undefined {
  const { nowMs, group, policy, marks, total, unanswered } = input;
  const policyMarks = policyMarksOf(marks, policy.id);
  const ready = readinessOf(policyMarks, policy.alert);
  if (ready.kind === "notEntered" || ready.kind === "exhausted") return undefined;
  const own = input.alertMarks.filter((mark) => mark.policy === policy.id);
  const wish = wishOf(policy.action, { nowMs, from: total, alert: policy.alert, marks: own });
  const direction = directionOf(total, wish.wanted);
  // At its capacity already, or without a value: nothing to do until something else changes that.
  if (direction === undefined) return nowMs + Math.max(policy.alert.repeatMs, repeatMinMs);
  const check = { direction, nowMs };
  const byPolicy = coolsUntilMs({ ...check, marks: policyMarks, cooldownMs: policy.cooldownMs });
  const byGroup = coolsUntilMs({ ...check, marks: marks.groupMarks, cooldownMs: group.cooldownMs });
  const { heldUntilMs = ready.atMs } = policyMarks;
  const atMs = Math.max(ready.atMs, heldUntilMs, byPolicy ?? ready.atMs, byGroup ?? ready.atMs);
  if (atMs > nowMs) return atMs;
  return unanswered > 0 ? nowMs + unansweredLookMs : "now";
}
