import { type Cause, cause } from "../model/cause.js";
import { serversPerPlacementMax } from "../model/hard-limits.js";
import type { ForcedLimits } from "../model/placement.js";
import type { PolicyAction } from "../model/policy.js";
import type { Outcome, PlacementTarget, ScaleEvent } from "../model/scale-event.js";
import { markActed } from "./alerts.js";
import { clampTarget } from "./arithmetic.js";
import { type Case, openCase } from "./case.js";
import {
  awaitAlert,
  awaitUnanswered,
  type Check,
  mergeRepeat,
  refuseCooling,
  refuseDeleting,
  refuseGonePolicy,
  refusePaused,
} from "./checks.js";
import { nextLook } from "./circle-back.js";
import { startCooldown } from "./cooldown.js";
import { openedWindows, windowKey, windowMsOf } from "./debounce.js";
import type { DecideInput, Decision } from "./decision.js";
import { effectiveLimits, forcedLimitsOf, unforcedLimits } from "./limits.js";
import { type LeadMarks, withPolicyMarks } from "./marks.js";
import { count, type Direction, directionOf, sum } from "./numbers.js";
import { splitTarget } from "./split.js";

/**
 * The order of composition (B3.5): the first check that answers decides; what passes all is taken
 * to arithmetic and limits. Idempotency and permission are asked before `decide`, brakes after it.
 */
const composition: readonly { step: string; check: Check; passedByForce: boolean }[] = [
  { step: "B8.4 deleting", check: refuseDeleting, passedByForce: false },
  { step: "B2.1 policy", check: refuseGonePolicy, passedByForce: false },
  { step: "B8.3 pause", check: refusePaused, passedByForce: false },
  { step: "B3.1 debounce", check: mergeRepeat, passedByForce: true },
  { step: "B3.2 alert and hold", check: awaitAlert, passedByForce: false },
  { step: "B2.5 cooldowns", check: refuseCooling, passedByForce: true },
  { step: "B2.6 no windup", check: awaitUnanswered, passedByForce: false },
];

/**
 * Decides a scale event, with all the reasons. The same sight gives the same decision; never
 * throws.
 */
export function decide(event: ScaleEvent, input: DecideInput): Decision {
  const one = openCase(event, input);
  for (const { check, passedByForce } of composition) {
    if (passedByForce && event.force !== undefined) continue;
    const verdict = check(one);
    if (verdict === undefined) continue;
    const { policyMarks = one.policyMarks, ...told } = verdict;
    const marks = keep(one, one.marks.groupMarks, policyMarks);
    return answer(one, { ...told, placements: unmoved(one), marks, forced: {} });
  }
  return act(one);
}

interface Answer {
  readonly outcome: Outcome;
  readonly causes: readonly Cause[];
  readonly retryAtMs?: number;
  readonly placements: readonly PlacementTarget[];
  readonly marks: LeadMarks;
  readonly forced: Decision["forced"];
}

function answer(one: Case, told: Answer): Decision {
  const { event, input, from } = one;
  const { outcome, causes, placements, marks, forced, retryAtMs } = told;
  const newTarget = sum(placements.map((placement) => placement.newTarget));
  const targets = placements.map((placement) => [placement.colo, placement.newTarget] as const);
  const nextAtMs = lookAgain(one, marks, newTarget);
  return {
    receipt: {
      eventId: event.id,
      atMs: input.nowMs,
      outcome,
      causes,
      oldTarget: from,
      newTarget,
      placements,
      ...(retryAtMs === undefined ? {} : { retryAtMs }),
    },
    marks,
    alertMarks: one.alertMarks,
    forced,
    ...(outcome === "applied" ? { targets: Object.fromEntries(targets) } : {}),
    ...(nextAtMs === undefined ? {} : { nextAtMs }),
  };
}

function lookAgain({ input, policy }: Case, marks: LeadMarks, total: number): number | undefined {
  const { nowMs, group, lead, unanswered } = input;
  if (policy === undefined || lead.paused || lead.deleting || group.deleting) return undefined;
  const next = nextLook({ nowMs, group, policy, marks, total, unanswered });
  return next === "now" ? nowMs : next;
}

/** Clamps, splits, and says what came of it (B2.4, B2.7, B11.1). */
function act(one: Case): Decision {
  const { event, input, from, wanted } = one;
  const lifted = event.force !== undefined && event.force.expiresAtMs > input.nowMs;
  const limits = input.placements.map((placement) => effectiveLimits(placement, input.nowMs));
  const min = lifted ? 0 : sum(limits.map((limit) => limit.min));
  const hardMax = limits.length * serversPerPlacementMax;
  const max = lifted ? hardMax : sum(limits.map((limit) => limit.max));
  const clamped = clampTarget({ from, wanted, min, max, hard: lifted });

  const changes = clamped.target !== from;
  const split = input.placements.map(({ colo, weight, target }, index) => ({
    colo,
    weight,
    current: target,
    ...limits[index]!,
  }));
  const placements = changes
    ? splitTarget({ total: clamped.target, placements: split, beyondLimits: lifted })
    : unmoved(one);
  const newTarget = sum(placements.map((placement) => placement.newTarget));
  return answer(one, {
    outcome: changes ? "applied" : "noChange",
    causes: [...changeCauses(one, newTarget), ...clamped.causes, ...forceCauses(one)],
    placements,
    marks: marksAfter(one, directionOf(from, newTarget)),
    forced: lifted ? forcedAfter(one, placements) : {},
  });
}

function changeCauses(one: Case, newTarget: number): readonly Cause[] {
  const { input, from, wanted, action } = one;
  if (newTarget === from)
    return wanted === from ? [cause("B2.4", "ALREADY_THERE", { target: from })] : [];
  const ages = input.placements.flatMap(({ ageMs }) => (ageMs === undefined ? [] : [ageMs]));
  const facts = { oldTarget: from, newTarget, asked: askedText(action) };
  const age = ages.length === 0 ? {} : { othersSeenBeforeMs: Math.max(...ages) };
  return [cause(action?.kind === "percent" ? "B2.3" : "B2.2", "APPLIED", { ...facts, ...age })];
}

function askedText(action: PolicyAction | undefined): string {
  const signed = (value: number) => (value > 0 ? `+${value}` : `${value}`);
  if (action?.kind === "change") return signed(action.change);
  if (action?.kind === "percent") return `${signed(action.partsPerMillion / 10_000)} %`;
  return `${action?.capacity ?? ""}`;
}

function forceCauses({ event, input }: Case): readonly Cause[] {
  if (event.force === undefined) return [];
  const lastsMs = Math.max(0, event.force.expiresAtMs - input.nowMs);
  return [cause("B2.7", "FORCED", { reason: event.force.reason, lastsMs })];
}

/** Placements which the force leaves beyond their own limits, anew for those that were before. */
function forcedAfter(
  { event, input }: Case,
  placements: readonly PlacementTarget[],
): Decision["forced"] {
  const forced: [string, ForcedLimits][] = [];
  for (const [index, { colo, newTarget }] of placements.entries()) {
    const { min, max } = unforcedLimits(input.placements[index]!);
    const limits = forcedLimitsOf({ min, max, target: newTarget }, event.force!);
    if (limits !== undefined) forced.push([colo, limits]);
  }
  return Object.fromEntries(forced);
}

/** Only an applied decision starts cooldowns and opens a window (B2.5, B3.1). */
function marksAfter(one: Case, direction: Direction | undefined): LeadMarks {
  const { event, input, policy, via, marks } = one;
  const { nowMs } = input;
  const applied = direction !== undefined;
  const acted =
    via === "ask" ? one.policyMarks : markActed(one.policyMarks, { atMs: nowMs, applied });
  if (!applied) return keep(one, marks.groupMarks, acted);

  const groupMarks = startCooldown(marks.groupMarks, direction, nowMs);
  if (policy === undefined) return keep(one, groupMarks, acted);
  const windows = openedWindows(acted.windows, {
    key: windowKey(one.state, direction),
    window: { openedAtMs: nowMs, eventId: event.id },
    windowMs: windowMsOf(event, policy),
  });
  const cooling = startCooldown(acted, direction, nowMs);
  return keep(one, groupMarks, windows === undefined ? cooling : { ...cooling, windows });
}

function keep(
  { marks, policy }: Case,
  groupMarks: LeadMarks["groupMarks"],
  policyMarks: Case["policyMarks"],
): LeadMarks {
  const kept = groupMarks === marks.groupMarks ? marks : { ...marks, groupMarks };
  return policy === undefined ? kept : withPolicyMarks(kept, policy.id, policyMarks);
}

function unmoved({ input }: Case): readonly PlacementTarget[] {
  return input.placements.map(({ colo, target }) => {
    const current = count(target);
    return { colo, oldTarget: current, newTarget: current };
  });
}
