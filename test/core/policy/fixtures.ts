import type { ColoId, EventId, PolicyId } from "../../../src/core/model/ids.js";
import type { AlertMark, AlertState, Policy } from "../../../src/core/model/policy.js";
import type { ScaleAsk, ScaleEvent } from "../../../src/core/model/scale-event.js";
import type {
  DecideInput,
  Decision,
  LeadFacts,
  PlacementFacts,
} from "../../../src/core/policy/decision.js";

export const iad = "iad" as ColoId;
export const dfw = "dfw" as ColoId;
export const upId = "up" as PolicyId;

/** Long after the epoch, so that marks lie in the past. */
export const t0 = Date.UTC(2026, 0, 1);
export const seconds = (count: number) => count * 1_000;

/** +2 on CRITICAL; cooldown 60 s, debounce 10 s, repeat 120 s at most 3 times. */
export function policyOf(change: Partial<Policy> = {}): Policy {
  return {
    id: upId,
    uid: "policy-1",
    generation: 1,
    createdAtMs: 0,
    updatedAtMs: 0,
    displayName: "scale out",
    action: { kind: "change", change: 2 },
    cooldownMs: seconds(60),
    debounceMs: seconds(10),
    alert: alertRuleOf(),
    ...change,
  };
}

export function alertRuleOf(change: Partial<Policy["alert"]> = {}): Policy["alert"] {
  return {
    actsOn: "critical",
    holdMs: 0,
    timeToLiveMs: seconds(600),
    repeatMs: seconds(120),
    repeatsMax: 3,
    ...change,
  };
}

export function placementOf(change: Partial<PlacementFacts> = {}): PlacementFacts {
  return { colo: iad, min: 1, max: 10, weight: 1, target: 4, ...change };
}

export function leadOf(change: Partial<LeadFacts> = {}): LeadFacts {
  return { deleting: false, groupMarks: {}, policyMarks: {}, ...change };
}

/** One placement, 4 of 1 to 10, group cooldown 30 s, now t0. */
export function inputOf(change: Partial<DecideInput> = {}): DecideInput {
  return {
    nowMs: t0,
    group: { cooldownMs: seconds(30), deleting: false },
    placements: [placementOf()],
    lead: leadOf(),
    policies: [],
    alertMarks: [],
    unanswered: 0,
    ...change,
  };
}

export function eventOf(ask: ScaleAsk, change: Partial<ScaleEvent> = {}): ScaleEvent {
  const source = ask.kind === "alert" ? "alert" : "manual";
  return { id: "e1" as EventId, atMs: t0, source, ask, principal: "ann", ...change };
}

export const runUp: ScaleAsk = { kind: "policy", policy: upId };

export function alertAsk(state: AlertState, key = "k1"): ScaleAsk {
  return { kind: "alert", policy: upId, key, state };
}

export function markOf(state: AlertState, change: Partial<AlertMark> = {}): AlertMark {
  return { policy: upId, key: "k1", state, sinceMs: t0, refreshedAtMs: t0, ...change };
}

export function codesOf({ receipt }: Decision): string {
  return receipt.causes.map(({ rule, code }) => `${rule} ${code}`).join(", ");
}

/** What the supervisor's commit makes of a decision: the input that the next one sees. */
export function after(input: DecideInput, decision: Decision): DecideInput {
  const { marks, alertMarks, targets = {}, forced } = decision;
  const nameOf = ({ policy, key }: Pick<AlertMark, "policy" | "key">) => `${policy}/${key}`;
  const written = new Set([...alertMarks.puts, ...alertMarks.deletes].map(nameOf));
  const kept = input.alertMarks.filter((mark) => !written.has(nameOf(mark)));
  return {
    ...input,
    lead: { ...input.lead, ...marks },
    alertMarks: [...kept, ...alertMarks.puts],
    placements: input.placements.map((placement) => ({
      ...placement,
      target: targets[placement.colo] ?? placement.target,
      ...(forced[placement.colo] === undefined ? {} : { forced: forced[placement.colo] }),
    })),
  };
}
