import { type Cause, type CauseCode, cause } from "../model/cause.js";
import type { PausableProcess } from "../model/pausable.js";
import { processStopped } from "../model/pause.js";
import type { PolicyMarks } from "../model/placement.js";
import type { Outcome, ScaleEvent } from "../model/scale-event.js";
import { actsIn, markActed, readinessOf } from "./alerts.js";
import type { Case } from "./case.js";
import { coolsUntilMs } from "./cooldown.js";
import { openWindow, windowKey, windowMsOf } from "./debounce.js";

/** Why an event does not act. */
export interface Verdict {
  readonly outcome: Exclude<Outcome, "applied">;
  readonly causes: readonly Cause[];
  readonly retryAtMs?: number;
  /** The policy's marks, where the verdict itself changes them. */
  readonly policyMarks?: PolicyMarks;
}

/** One answer in the order of composition; undefined lets the event pass. */
export type Check = (one: Case) => Verdict | undefined;

/** A group that drains takes no orders (B8.4). */
export const refuseDeleting: Check = ({ input }) =>
  input.lead.deleting || input.group.deleting
    ? { outcome: "refused", causes: [cause("B8.4", "DELETING")] }
    : undefined;

/** Schedules and webhooks may outlive the policy that they run. */
export const refuseGonePolicy: Check = ({ event, wish }) => {
  if (wish !== undefined) return undefined;
  const facts = "policy" in event.ask ? { policy: event.ask.policy } : {};
  return { outcome: "refused", causes: [cause("B2.1", "POLICY_GONE", facts)] };
};

/** Pause is passed by nobody (B8.3, B2.7). */
export const refusePaused: Check = ({ input, event }) => {
  const { paused } = input.lead;
  if (paused === undefined) {
    const process = processOf(event);
    const { graceMs } = event.occurrence ?? {};
    const later = graceMs === undefined ? {} : { graceMs };
    const stop = process && processStopped(input.lead, process, later);
    return stop && { outcome: "refused", causes: [stop] };
  }
  const { reason, principal } = paused;
  const pausedForMs = Math.max(0, input.nowMs - paused.sinceMs);
  const why = cause("B8.3", "PAUSED", { reason, principal, pausedForMs });
  return { outcome: "refused", causes: [why] };
};

/** What speaks: monitors, in whatever way, or the clock. People are nobody's process (B8.1). */
function processOf({ source, ask }: ScaleEvent): PausableProcess | undefined {
  if (source === "schedule") return "schedules";
  return source === "manual" && ask.kind !== "alert" ? undefined : "alerts";
}

/** Debounce on the leading edge (B3.1). The timer that circles back keeps its own distance. */
export const mergeRepeat: Check = ({
  event,
  input,
  via,
  policy,
  policyMarks,
  state,
  direction,
}) => {
  if (policy === undefined || direction === undefined || via === "circleBack") return undefined;
  const { nowMs } = input;
  const windowMs = windowMsOf(event, policy);
  const window = openWindow(policyMarks.windows, windowKey(state, direction), { windowMs, nowMs });
  if (window === undefined) return undefined;
  const retryAtMs = window.openedAtMs + windowMs;
  const facts = { mergedInto: window.eventId, windowMs, endsInMs: retryAtMs - nowMs };
  // What an alert that came back at once asks for has been done by the event that it merges into.
  const answered = via === "alert" && policyMarks.actedAtMs === undefined;
  return {
    outcome: "merged",
    causes: [cause("B3.1", "DEBOUNCED", facts)],
    retryAtMs,
    ...(answered
      ? { policyMarks: markActed(policyMarks, { atMs: window.openedAtMs, applied: false }) }
      : {}),
  };
};

/** An alert acts on entering its state, once that has held, and on circling back (B3.2–B3.4). */
export const awaitAlert: Check = (one) => {
  const { via, policy, policyMarks, aggregate, input } = one;
  if (via === "ask" || policy === undefined || policy.action.kind === "tracking") return undefined;
  const { actsOn, holdMs, repeatsMax } = policy.alert;
  const { nowMs } = input;
  if (!actsIn(aggregate, actsOn)) return standsBelow(one, actsOn);
  const ready = readinessOf(policyMarks, policy.alert);
  switch (ready.kind) {
    case "notEntered":
      return standsBelow(one, actsOn);
    case "exhausted": {
      const exhausted = cause("B3.3", "REPEATS_EXHAUSTED", { repeats: ready.repeats, repeatsMax });
      if (via === "circleBack") return { outcome: "refused", causes: [exhausted] };
      return { outcome: "noChange", causes: [notEntered(one), exhausted] };
    }
    case "hold": {
      const { atMs: retryAtMs } = ready;
      if (nowMs >= retryAtMs) return undefined;
      const facts = { state: aggregate, holdMs, retryInMs: retryAtMs - nowMs };
      return { outcome: "held", causes: [cause("B3.2", "HOLDING", facts)], retryAtMs };
    }
    case "repeat": {
      const { atMs: retryAtMs } = ready;
      if (via === "alert") return { outcome: "noChange", causes: [notEntered(one)], retryAtMs };
      if (nowMs >= retryAtMs) return undefined;
      const facts = { state: aggregate, retryInMs: retryAtMs - nowMs };
      return { outcome: "held", causes: [cause("B3.3", "HOLDING", facts)], retryAtMs };
    }
    default:
      ready satisfies never;
      return undefined;
  }
};

/** UNKNOWN and missing data never act, so they never scale in (B3.4). */
function standsBelow({ aggregate }: Case, actsOn: string): Verdict {
  const why =
    aggregate === "unknown"
      ? cause("B3.4", "DATA_MISSING", { state: aggregate, actsOn })
      : cause("B3.2", "ALERT_STATE", { state: aggregate, actsOn });
  return { outcome: "noChange", causes: [why] };
}

/** What goes by a measured value does nothing without one (B3.4). */
export const awaitValue: Check = ({ wish }) =>
  wish?.isMissing && wish.why ? { outcome: "noChange", causes: [wish.why] } : undefined;

function notEntered({ aggregate, policyMarks, input }: Case): Cause {
  const standsForMs = input.nowMs - (policyMarks.enteredAtMs ?? input.nowMs);
  const actedBeforeMs = input.nowMs - (policyMarks.actedAtMs ?? input.nowMs);
  return cause("B3.2", "ALERT_NOT_ENTERED", { state: aggregate, standsForMs, actedBeforeMs });
}

/**
 * Both cooldowns must have passed (B2.5). Setting a target and schedules are not refused by them; a
 * change by ± n, which may come from a machine, is held to the group's.
 */
export const refuseCooling: Check = ({ event, input, policy, policyMarks, marks, direction }) => {
  if (direction === undefined || event.ask.kind === "target" || event.source === "schedule")
    return undefined;
  const { nowMs, group } = input;
  const cooling = (code: CauseCode, cooldownMs: number, untilMs: number | undefined) =>
    untilMs === undefined
      ? []
      : [{ untilMs, why: cause("B2.5", code, { cooldownMs, retryInMs: untilMs - nowMs }) }];
  const untilMs = (of: PolicyMarks, cooldownMs: number) =>
    coolsUntilMs({ marks: of, cooldownMs, direction, nowMs });
  const policyMs = policy?.cooldownMs ?? 0;
  const refusals = [
    ...cooling("COOLDOWN_POLICY", policyMs, untilMs(policyMarks, policyMs)),
    ...cooling("COOLDOWN_GROUP", group.cooldownMs, untilMs(marks.groupMarks, group.cooldownMs)),
  ];
  if (refusals.length === 0) return undefined;
  const retryAtMs = Math.max(...refusals.map((refusal) => refusal.untilMs));
  return { outcome: "refused", causes: refusals.map(({ why }) => why), retryAtMs };
};

/**
 * No windup (B2.6): what an alert asks for relative to the target, and every circle-back, waits for
 * the answer to what was asked before. People, schedules and webhooks are taken at their word.
 */
export const awaitUnanswered: Check = ({ input, via, wish, direction }) => {
  const relative = via === "alert" && wish?.isRelative === true;
  if (input.unanswered <= 0 || direction === undefined) return undefined;
  if (via !== "circleBack" && !relative) return undefined;
  const why = cause("B2.6", "DEMAND_UNANSWERED", { unanswered: input.unanswered });
  return { outcome: "held", causes: [why] };
};
