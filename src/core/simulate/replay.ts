import type { AlertMark } from "../model/policy.js";
import type { ScaleEvent } from "../model/scale-event.js";
import type { SimulatedDecision } from "../model/simulation.js";
import type { AlertMarkChanges } from "../policy/alerts.js";
import { type CircleBack, circleBack, type DuePolicy } from "../policy/circle-back.js";
import { decide } from "../policy/decide.js";
import { docAfter } from "../policy/decided.js";
import type { DecideInput } from "../policy/decision.js";
import { sum } from "../policy/numbers.js";
import { unansweredOf } from "../policy/unanswered.js";
import { createTimePassing, type ReplayOf, type TimePassing } from "./time-passing.js";

/**
 * All that a group's lead placement does about its target, on times that are given: the very
 * functions that the supervisor's turns call, without store and cloud. Times must not go back.
 */
export interface Replay extends TimePassing {
  submit(event: ScaleEvent): SimulatedDecision;
  /** Which alerts that stand are due to act again (B3.2, B3.3), and when to look again. */
  look(nowMs: number): Pick<CircleBack, "due" | "nextAtMs">;
  /** Has one that is due act. */
  circle(due: DuePolicy, nowMs: number): SimulatedDecision;
  readonly target: () => number;
}

export function createReplay(of: ReplayOf): Replay {
  const { group, policies, parts, nextId } = of;
  const [lead] = parts;
  const alerts = new Map<string, AlertMark>();
  const target = () => sum(parts.map(({ doc }) => doc.target));
  const unanswered = (nowMs: number) => sum(parts.map((part) => unansweredOf(part, group, nowMs)));

  function take({ puts, deletes }: AlertMarkChanges): void {
    const keyOf = ({ policy, key }: Pick<AlertMark, "policy" | "key">) => `${policy}/${key}`;
    for (const one of puts) alerts.set(keyOf(one), one);
    for (const one of deletes) alerts.delete(keyOf(one));
  }

  function factsOf(): DecideInput["placements"] {
    return group.placements.flatMap(({ colo, weight }) => {
      const doc = parts.find((part) => part.doc.key.colo === colo)?.doc;
      return doc ? [{ ...doc, colo, weight }] : [];
    });
  }

  function submit(event: ScaleEvent): SimulatedDecision {
    const { atMs: nowMs } = event;
    const decision = decide(event, {
      ...{ nowMs, group, policies, lead: lead.doc },
      placements: factsOf(),
      alertMarks: [...alerts.values()],
      unanswered: unanswered(nowMs),
    });
    for (const part of parts)
      part.doc = docAfter(part.doc, { event, decision, decisionId: event.id });
    lead.doc = { ...lead.doc, ...decision.marks };
    take(decision.alertMarks);
    return { event, receipt: decision.receipt };
  }

  function look(nowMs: number) {
    const found = circleBack({
      ...{ nowMs, group, policies, lead: lead.doc },
      alertMarks: [...alerts.values()],
      total: target(),
      unanswered: unanswered(nowMs),
    });
    lead.doc = { ...lead.doc, ...found.marks };
    take(found.alertMarks);
    return found;
  }

  return {
    submit,
    target,
    ...createTimePassing(of, submit),
    look,
    circle({ ask, why }, nowMs) {
      const about = { id: nextId(), atMs: nowMs, principal: `muster:${why}` };
      return submit({ ...about, source: "circleBack", ask });
    },
  };
}
