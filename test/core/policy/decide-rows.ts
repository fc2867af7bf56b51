import assert from "node:assert/strict";
import type { Policy } from "../../../src/core/model/policy.js";
import type { Outcome, ScaleAsk, ScaleEvent } from "../../../src/core/model/scale-event.js";
import { decide } from "../../../src/core/policy/decide.js";
import type { DecideInput } from "../../../src/core/policy/decision.js";
import {
  alertRuleOf,
  codesOf,
  eventOf,
  inputOf,
  leadOf,
  markOf,
  placementOf,
  policyOf,
  seconds,
  t0,
  upId,
} from "./fixtures.js";

export const to = (target: number): ScaleAsk => ({ kind: "target", target });
export const by = (change: number): ScaleAsk => ({ kind: "change", change });
export const forced: Partial<ScaleEvent> = {
  force: { reason: "launch day", expiresAtMs: t0 + seconds(3_600) },
};
export const down: Partial<Policy> = { action: { kind: "change", change: -2 } };
export const half: Partial<Policy> = { action: { kind: "percent", partsPerMillion: 500_000 } };
export const seven: Partial<Policy> = { action: { kind: "exact", capacity: 7 } };
export const groupOut = { lead: leadOf({ groupMarks: { lastOutMs: t0 - seconds(29) } }) };
export const groupIn = { lead: leadOf({ groupMarks: { lastInMs: t0 } }) };
export const policyOut = {
  lead: leadOf({ policyMarks: { [upId]: { lastOutMs: t0 - seconds(59) } } }),
};
export const bothOut = {
  lead: leadOf({
    groupMarks: { lastOutMs: t0 },
    policyMarks: { [upId]: { lastOutMs: t0 - seconds(59) } },
  }),
};
export const paused = {
  lead: leadOf({ paused: { sinceMs: t0 - 9, reason: "move", principal: "bob" } }),
};
export const full = { placements: [placementOf({ target: 10 })] };
export const circle: Partial<ScaleEvent> = { source: "circleBack" };
export const hook: Partial<ScaleEvent> = { source: "webhook" };
export const clock: Partial<ScaleEvent> = { source: "schedule" };
export const hookWindow = {
  lead: leadOf({
    policyMarks: {
      [upId]: { windows: { "asked/out": { openedAtMs: t0 - seconds(9), eventId: "e0" } } },
    },
  }),
};
export const alertWindow = {
  alertMarks: [markOf("critical")],
  lead: leadOf({
    policyMarks: {
      [upId]: {
        enteredAtMs: t0 - seconds(9),
        actedAtMs: t0 - seconds(9),
        windows: { "critical/out": { openedAtMs: t0 - seconds(9), eventId: "e0" } },
      },
    },
  }),
};
export const standing = (agoMs: number, repeats = 0) => ({
  alertMarks: [markOf("critical")],
  lead: leadOf({
    policyMarks: { [upId]: { enteredAtMs: t0 - agoMs, actedAtMs: t0 - agoMs, repeats } },
  }),
});
export const entered = (agoMs: number) => ({
  alertMarks: [markOf("critical", { sinceMs: t0 - agoMs })],
  lead: leadOf({ policyMarks: { [upId]: { enteredAtMs: t0 - agoMs, enteredBy: "e0" } } }),
});
export const hold: Partial<Policy> = { alert: alertRuleOf({ holdMs: seconds(60) }) };
export const onWarning: Partial<Policy> = { alert: alertRuleOf({ actsOn: "warning" }) };

export interface Row {
  readonly title: string;
  readonly ask: ScaleAsk;
  readonly event?: Partial<ScaleEvent>;
  readonly policy?: Partial<Policy>;
  readonly input?: Partial<DecideInput>;
  readonly outcome: Outcome;
  readonly target?: number;
  readonly codes: string;
}

export const refused = { outcome: "refused" } as const;
export const held = { outcome: "held" } as const;
export const noChange = { outcome: "noChange" } as const;
export const applied = (target: number) => ({ outcome: "applied", target }) as const;
export const out = "B2.2 APPLIED";

/** Decides each row, and compares what the receipt says. */
export function checkRows(rows: readonly Row[]): void {
  for (const row of rows) {
    const input = inputOf({ policies: [policyOf(row.policy)], ...row.input });
    const before = structuredClone(input);
    const decision = decide(eventOf(row.ask, row.event), input);
    const { receipt, targets } = decision;
    assert.equal(codesOf(decision), row.codes, row.title);
    assert.equal(receipt.outcome, row.outcome, row.title);
    const old = input.placements[0]?.target;
    assert.equal(receipt.oldTarget, old, row.title);
    assert.equal(receipt.newTarget, row.target ?? old, row.title);
    assert.deepEqual(
      targets,
      row.target === undefined ? undefined : { iad: row.target },
      row.title,
    );
    assert.deepEqual(input, before, "pure");
  }
}
