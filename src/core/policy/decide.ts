import { type Cause, cause } from "../model/cause.js";
import type { ForcedLimits, GroupMarks } from "../model/placement.js";
import type { Outcome, PlacementTarget, ScaleEvent } from "../model/scale-event.js";
import { markActed, repeatMinMs } from "./alerts.js";
import { type Case, openCase } from "./case.js";
import { nextLook } from "./circle-back.js";
import { composition } from "./composition.js";
import { startCooldown } from "./cooldown.js";
import { openedWindows, windowKey, windowMsOf } from "./debounce.js";
import type { DecideInput, Decision } from "./decision.js";
import { forcedLimitsOf, unforcedLimits } from "./limits.js";
import { type LeadMarks, policyMarksOf, withPolicyMarks } from "./marks.js";
import { count, directionOf, sum } from "./numbers.js";
import { countedRemovals, withRemoval } from "./removals.js";
import type { Shaped } from "./shape.js";
import { splitTarget } from "./split.js";
import { isLifted, limitsNow } from "./within-limits.js";

/**
 * Decides a scale event, with all the reasons. The same sight gives the same decision; never
 * throws.
 */
export function decide(event: ScaleEvent, input: DecideInput): Decision {
  let one = openCase(event, input);
  const shaped: Shaped[] = [];
  for (const stage of composition) {
    if (stage.passedByForce && event.force !== undefined) continue;
    if ("check" in stage) {
      const verdict = stage.check(one);
      if (verdict === undefined) continue;
      const { policyMarks = one.policyMarks, ...told } = verdict;
      const marks = keep(one, one.marks.groupMarks, policyMarks);
      return answer(one, { ...told, placements: unmoved(one), marks, forced: {} });
    }
    const next = stage.shape(one);
    if (next === undefined) continue;
    shaped.push(next);
    one = withShape(one, next);
    if (stage.leavesNothing === "held" && one.wanted === one.from) return hold(one, shaped);
  }
  return act(one, shaped);
}

function withShape(one: Case, { wanted, joined }: Shaped): Case {
  return { ...one, wanted, joined: joined === undefined ? one.joined : [...one.joined, joined] };
}

/** Nothing of what was asked may be done now (B3.5). */
function hold(one: Case, shaped: readonly Shaped[]): Decision {
  const { retryAtMs } = shaped.at(-1)!;
  return answer(one, {
    outcome: "held",
    causes: shaped.flatMap(({ causes }) => causes),
    ...(retryAtMs === undefined ? {} : { retryAtMs }),
    placements: unmoved(one),
    marks: withDemandHold(one, shaped, heldMarks(one, retryAtMs)),
    forced: {},
  });
}

/** An alert that stands asks again at its repeat, or when the guard says that it may help. */
function heldMarks(one: Case, retryAtMs: number | undefined): LeadMarks {
  const { via, policy, policyMarks, marks, input } = one;
  const isStanding = via !== "ask" && policyMarks.enteredAtMs !== undefined;
  if (policy === undefined || !isStanding) return marks;
  const againMs = input.nowMs + Math.max(policy.alert.repeatMs, repeatMinMs);
  const heldUntilMs = Math.max(againMs, retryAtMs ?? againMs);
  return keep(one, marks.groupMarks, { ...policyMarks, heldUntilMs });
}

/** The group's condition tells of it for as long as it may last. */
function withDemandHold({ input }: Case, shaped: readonly Shaped[], marks: LeadMarks): LeadMarks {
  const { demandHold: before, ...groupMarks } = marks.groupMarks;
  const found = shaped.findLast(({ demandHold }) => demandHold !== undefined)?.demandHold;
  if (found !== undefined) return { ...marks, groupMarks: { ...groupMarks, demandHold: found } };
  return before === undefined || input.nowMs < before.untilMs ? marks : { ...marks, groupMarks };
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
    wanted: one.wish?.wanted ?? from,
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

function lookAgain(
  { input, policy, known }: Case,
  marks: LeadMarks,
  total: number,
): number | undefined {
  const { nowMs, group, lead, unanswered } = input;
  if (lead.pausedProcesses?.alerts) return undefined;
  if (policy === undefined || lead.paused || lead.deleting || group.deleting) return undefined;
  const next = nextLook({ nowMs, group, policy, alertMarks: known, marks, total, unanswered });
  return next === "now" ? nowMs : next;
}

/** Splits what is left of the wish, and says what came of it (B2.4, B2.7, B11.1). */
function act(one: Case, shaped: readonly Shaped[]): Decision {
  const { input, from, wanted } = one;
  const limits = limitsNow(one);
  const lifted = isLifted(one);
  const changes = wanted !== from;
  const split = input.placements.map(({ colo, weight, target }, index) => ({
    colo,
    weight,
    current: target,
    ...limits[index]!,
  }));
  const placements = changes
    ? splitTarget({ total: wanted, placements: split, beyondLimits: lifted })
    : unmoved(one);
  const newTarget = sum(placements.map((placement) => placement.newTarget));
  const why = shaped.flatMap(({ causes }) => causes);
  return answer(one, {
    outcome: changes ? "applied" : "noChange",
    causes: [...changeCauses(one, newTarget), ...why, ...forceCauses(one)],
    placements,
    marks: withDemandHold(one, shaped, marksAfter(one, newTarget)),
    forced: lifted ? forcedAfter(one, placements) : {},
  });
}

function changeCauses({ input, from, wish }: Case, newTarget: number): readonly Cause[] {
  const measured = wish?.why === undefined ? [] : [wish.why];
  if (newTarget === from) {
    if (wish?.wanted !== from) return measured;
    return measured.length > 0 ? measured : [cause("B2.4", "ALREADY_THERE", { target: from })];
  }
  const ages = input.placements.flatMap(({ ageMs }) => (ageMs === undefined ? [] : [ageMs]));
  const age = ages.length === 0 ? {} : { othersSeenBeforeMs: Math.max(...ages) };
  const asked = wish?.asked === undefined ? {} : { asked: wish.asked };
  const facts = { oldTarget: from, newTarget, ...asked, ...age };
  return [cause(wish?.rule ?? "B2.2", "APPLIED", facts), ...measured];
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
function marksAfter(one: Case, newTarget: number): LeadMarks {
  const { event, input, from, policy, via, marks, joined } = one;
  const { nowMs } = input;
  const direction = directionOf(from, newTarget);
  const applied = direction !== undefined;
  const acted =
    via === "ask" ? one.policyMarks : markActed(one.policyMarks, { atMs: nowMs, applied });
  if (!applied) return keep(one, marks.groupMarks, acted);

  const cooled = startCooldown(marks.groupMarks, direction, nowMs);
  const groupMarks = direction === "in" ? removed(one, cooled, from - newTarget) : cooled;
  if (policy === undefined) return keep(one, groupMarks, acted);
  const windows = openedWindows(acted.windows, {
    key: windowKey(one.state, direction),
    window: { openedAtMs: nowMs, eventId: event.id },
    windowMs: windowMsOf(event, policy),
  });
  const cooling = startCooldown(acted, direction, nowMs);
  const own = keep(one, groupMarks, windows === undefined ? cooling : { ...cooling, windows });
  return joined.reduce((kept, id) => {
    const theirs = markActed(policyMarksOf(kept, id), { atMs: nowMs, applied });
    return withPolicyMarks(kept, id, startCooldown(theirs, direction, nowMs));
  }, own);
}

/** Whoever took them, they count against the group's limit on scaling in. */
function removed({ input }: Case, groupMarks: GroupMarks, servers: number): GroupMarks {
  const limit = input.group.scaleInLimit;
  if (limit === undefined) return groupMarks;
  const counted = countedRemovals(groupMarks.removals, limit, input.nowMs);
  return { ...groupMarks, removals: withRemoval(counted, { atMs: input.nowMs, servers }) };
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
