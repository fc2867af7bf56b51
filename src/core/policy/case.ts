import type { PolicyMarks } from "../model/placement.js";
import type { AlertMark, AlertState, Policy, PolicyAction } from "../model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../model/scale-event.js";
import {
  type AlertMarkChanges,
  actsIn,
  aggregateState,
  recordReport,
  settleEntered,
} from "./alerts.js";
import { applyAction } from "./arithmetic.js";
import type { DecideInput } from "./decision.js";
import {
  alertMarkUntil,
  type LeadMarks,
  marksUntil,
  noMarks,
  policyMarksOf,
  withPolicyMarks,
} from "./marks.js";
import { count, type Direction, directionOf, sum } from "./numbers.js";

/** An event with everything that its checks look at, each computed once. */
export interface Case {
  readonly event: ScaleEvent;
  readonly input: DecideInput;
  /** What to do; undefined when the event names a policy that is gone. */
  readonly action?: PolicyAction;
  readonly policy?: Policy;
  /** How the event speaks for an alert: by reporting it, by circling back to it, or not at all. */
  readonly via: "alert" | "circleBack" | "ask";
  /** The state that debouncing goes by. */
  readonly state: AlertState | "asked";
  /** What the policy sees of all its alert keys, this report included. */
  readonly aggregate: AlertState;
  /** Alert states are taken in whatever becomes of the event (B3.1). */
  readonly marks: LeadMarks;
  readonly policyMarks: PolicyMarks;
  readonly alertMarks: AlertMarkChanges;
  /** The base: the stored target, never the number of servers alive (B2.2). */
  readonly from: number;
  readonly wanted: number;
  readonly direction?: Direction;
}

export function openCase(event: ScaleEvent, input: DecideInput): Case {
  const policy = namedPolicy(event.ask, input.policy);
  const action = actionOf(event.ask, policy);
  const from = sum(input.placements.map(({ target }) => count(target)));
  const wanted = action === undefined ? from : applyAction(action, from);
  const direction = directionOf(from, wanted);
  const via =
    event.ask.kind === "alert" ? "alert" : event.source === "circleBack" ? "circleBack" : "ask";
  const seen = seeAlerts(event, input, policy);
  const asked = via === "circleBack" ? seen.aggregate : "asked";
  return {
    event,
    input,
    via,
    from,
    wanted,
    state: event.ask.kind === "alert" ? event.ask.state : asked,
    ...seen,
    ...(action === undefined ? {} : { action }),
    ...(policy === undefined ? {} : { policy }),
    ...(direction === undefined ? {} : { direction }),
  };
}

function namedPolicy(ask: ScaleAsk, policy: Policy | undefined): Policy | undefined {
  const named = ask.kind === "policy" || ask.kind === "alert" ? ask.policy : undefined;
  return policy !== undefined && policy.id === named ? policy : undefined;
}

function actionOf(ask: ScaleAsk, policy: Policy | undefined): PolicyAction | undefined {
  switch (ask.kind) {
    case "target":
      return { kind: "exact", capacity: ask.target };
    case "change":
      return { kind: "change", change: ask.change };
    case "policy":
    case "alert":
      return policy?.action;
    default:
      ask satisfies never;
      return undefined;
  }
}

type Seen = Pick<Case, "aggregate" | "marks" | "policyMarks" | "alertMarks">;

/** Takes in what the event reports, and what has ended by silence before it. */
function seeAlerts(event: ScaleEvent, input: DecideInput, policy: Policy | undefined): Seen {
  const { nowMs, lead } = input;
  const given: LeadMarks = { groupMarks: lead.groupMarks, policyMarks: lead.policyMarks };
  const marks = marksUntil(given, policy?.id, nowMs);
  const none: AlertMarkChanges = { puts: [], deletes: [] };
  if (policy === undefined)
    return { aggregate: "unknown", marks, policyMarks: noMarks, alertMarks: none };

  const own = input.alertMarks.filter((mark) => mark.policy === policy.id);
  const timely = own.map((mark) => alertMarkUntil(mark, nowMs));
  const mended = timely.filter((mark, index) => mark !== own[index]);
  const stands = (all: readonly AlertMark[]) =>
    actsIn(aggregateState(all, policy.alert, nowMs), policy.alert.actsOn);
  const before = settleEntered(policyMarksOf(marks, policy.id), { stands: stands(timely), nowMs });

  const { ask } = event;
  const report =
    ask.kind === "alert"
      ? recordReport(timely, ask, { policy, nowMs })
      : { marks: timely, changes: none };
  const { puts, deletes } = report.changes;
  const written = new Set([...puts, ...deletes].map(({ key }) => key));
  const by = ask.kind === "alert" ? { eventId: event.id } : {};
  const policyMarks = settleEntered(before, { stands: stands(report.marks), nowMs, ...by });
  return {
    aggregate: aggregateState(report.marks, policy.alert, nowMs),
    marks: withPolicyMarks(marks, policy.id, policyMarks),
    policyMarks,
    alertMarks: { puts: [...puts, ...mended.filter(({ key }) => !written.has(key))], deletes },
  };
}
