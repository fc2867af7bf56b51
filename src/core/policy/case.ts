import type { PolicyId } from "../model/ids.js";
import type { PolicyMarks } from "../model/placement.js";
import type { AlertMark, AlertState, Policy } from "../model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../model/scale-event.js";
import { type AlertMarkChanges, aggregateState, recordReport, settleEntered } from "./alerts.js";
import type { DebounceState } from "./debounce.js";
import type { DecideInput } from "./decision.js";
import { fixedWish, type Wish, type WishInput } from "./fixed-wish.js";
import {
  alertMarkUntil,
  type LeadMarks,
  marksUntil,
  noMarks,
  policyMarksOf,
  withPolicyMarks,
} from "./marks.js";
import { count, type Direction, directionOf, sum } from "./numbers.js";
import { recommend } from "./recommended.js";
import { stands } from "./stands.js";
import { wishOf } from "./wish.js";

/** An event with everything that its checks look at, each computed once. */
export interface Case {
  readonly event: ScaleEvent;
  readonly input: DecideInput;
  readonly policy?: Policy;
  /** How the event speaks for an alert: by reporting it, by circling back to it, or not at all. */
  readonly via: "alert" | "circleBack" | "ask";
  /** The state that debouncing goes by. */
  readonly state: DebounceState;
  /** What the policy sees of all its alert keys, this report included. */
  readonly aggregate: AlertState;
  /** Alert states are taken in whatever becomes of the event (B3.1). */
  readonly marks: LeadMarks;
  readonly policyMarks: PolicyMarks;
  readonly alertMarks: AlertMarkChanges;
  /** All of the policy's alert marks, this report included. */
  readonly known: readonly AlertMark[];
  /** The base: the stored target, never the number of servers alive (B2.2). */
  readonly from: number;
  readonly wanted: number;
  /** What is asked, alone; undefined when the event names a policy that is gone. */
  readonly wish?: Wish;
  readonly direction?: Direction;
  /** Other policies that have got what they ask for with this decision (decision 0024). */
  readonly joined: readonly PolicyId[];
}

export function openCase(event: ScaleEvent, input: DecideInput): Case {
  const policy = namedPolicy(event.ask, input.policies);
  const from = sum(input.placements.map(({ target }) => count(target)));
  const via =
    event.ask.kind === "alert" ? "alert" : event.source === "circleBack" ? "circleBack" : "ask";
  const seen = seeAlerts(event, input, policy);
  const wish = wishIn(event.ask, policy, { from, nowMs: input.nowMs, marks: seen.known });
  const wanted = wish?.wanted ?? from;
  const direction = directionOf(from, wanted);
  const one: Case = {
    event,
    input,
    via,
    from,
    wanted,
    joined: [],
    state: debounceState(event, policy, via, seen.aggregate),
    ...seen,
    ...(policy === undefined ? {} : { policy }),
    ...(wish === undefined ? {} : { wish }),
    ...(direction === undefined ? {} : { direction }),
  };
  return withRecommendation(one);
}

/** What each report makes target tracking recommend is remembered, whatever becomes of it. */
function withRecommendation(one: Case): Case {
  const { policy, wish, via, policyMarks, marks, input } = one;
  if (policy?.action.kind !== "tracking" || via !== "alert") return one;
  if (wish === undefined || wish.isMissing) return one;
  const { stabilisationMs } = policy.action;
  const { nowMs } = input;
  const gapMaxMs = policy.alert.timeToLiveMs;
  const newest = { servers: wish.wanted, nowMs, stabilisationMs, gapMaxMs };
  const next = { ...policyMarks, recommended: recommend(policyMarks.recommended, newest) };
  return { ...one, policyMarks: next, marks: withPolicyMarks(marks, policy.id, next) };
}

function namedPolicy(ask: ScaleAsk, policies: readonly Policy[]): Policy | undefined {
  const named = ask.kind === "policy" || ask.kind === "alert" ? ask.policy : undefined;
  return named === undefined ? undefined : policies.find(({ id }) => id === named);
}

function debounceState(
  { ask }: ScaleEvent,
  policy: Policy | undefined,
  via: Case["via"],
  aggregate: AlertState,
): DebounceState {
  if (via === "ask") return "asked";
  if (policy?.action.kind === "tracking") return "measured";
  return ask.kind === "alert" ? ask.state : aggregate;
}

function wishIn(
  ask: ScaleAsk,
  policy: Policy | undefined,
  base: Omit<WishInput, "alert">,
): Wish | undefined {
  switch (ask.kind) {
    case "target":
      return fixedWish({ kind: "exact", capacity: ask.target }, base.from);
    case "change":
      return fixedWish({ kind: "change", change: ask.change }, base.from);
    case "policy":
    case "alert":
      return policy && wishOf(policy.action, { ...base, alert: policy.alert });
    default:
      ask satisfies never;
      return undefined;
  }
}

type Seen = Pick<Case, "aggregate" | "marks" | "policyMarks" | "alertMarks" | "known">;

/** Takes in what the event reports, and what has ended by silence before it. */
function seeAlerts(event: ScaleEvent, input: DecideInput, policy: Policy | undefined): Seen {
  const { nowMs, lead } = input;
  const given: LeadMarks = { groupMarks: lead.groupMarks, policyMarks: lead.policyMarks };
  const marks = marksUntil(given, policy?.id, nowMs);
  const none: AlertMarkChanges = { puts: [], deletes: [] };
  if (policy === undefined)
    return { aggregate: "unknown", marks, policyMarks: noMarks, alertMarks: none, known: [] };

  const own = input.alertMarks.filter((mark) => mark.policy === policy.id);
  const timely = own.map((mark) => alertMarkUntil(mark, nowMs));
  const mended = timely.filter((mark, index) => mark !== own[index]);
  const stay = (all: readonly AlertMark[]) => ({ stands: stands(policy, all, nowMs), nowMs });
  const before = settleEntered(policyMarksOf(marks, policy.id), stay(timely));

  const { ask } = event;
  const report =
    ask.kind === "alert"
      ? recordReport(timely, ask, { policy, nowMs })
      : { marks: timely, changes: none };
  const { puts, deletes } = report.changes;
  const written = new Set([...puts, ...deletes].map(({ key }) => key));
  const by = ask.kind === "alert" ? { eventId: event.id } : {};
  const policyMarks = settleEntered(before, { ...stay(report.marks), ...by });
  return {
    aggregate: aggregateState(report.marks, policy.alert, nowMs),
    marks: withPolicyMarks(marks, policy.id, policyMarks),
    policyMarks,
    alertMarks: { puts: [...puts, ...mended.filter(({ key }) => !written.has(key))], deletes },
    known: report.marks,
  };
}
