import assert from "node:assert/strict";
import { test } from "node:test";
import type { EventId } from "../../../src/core/model/ids.js";
import type { AlertState, Policy } from "../../../src/core/model/policy.js";
import { circleBack, unansweredLookMs } from "../../../src/core/policy/circle-back.js";
import { decide } from "../../../src/core/policy/decide.js";
import type { DecideInput, Decision } from "../../../src/core/policy/decision.js";
import {
  after,
  alertAsk,
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
} from "./fixtures.js";

/** A lead placement that commits what is decided, and looks whenever it is told to. */
function createLead(policy: Policy, change: Partial<DecideInput> = {}) {
  let state = inputOf({ policies: [policy], ...change });
  let nextId = 1;
  const take = (decision: Decision) => {
    state = after(state, decision);
    return decision;
  };
  const look = () => {
    const { nowMs, group, lead, alertMarks, unanswered } = state;
    const total = state.placements.reduce((sum, { target }) => sum + target, 0);
    const policies = [policy];
    return circleBack({ nowMs, group, lead, policies, alertMarks, total, unanswered });
  };
  return {
    state: () => state,
    set(given: Partial<DecideInput>) {
      state = { ...state, ...given };
    },
    wait(ms: number) {
      state = { ...state, nowMs: state.nowMs + ms };
    },
    report(alert: AlertState, key = "k1") {
      const id = `e${nextId++}` as EventId;
      return take(decide(eventOf(alertAsk(alert, key), { id }), state));
    },
    look,
    /** Feeds all that is due into `decide`, as the supervisor's timer does. */
    turn(): readonly Decision[] {
      const looked = look();
      state = { ...state, lead: { ...state.lead, ...looked.marks } };
      return looked.due.map(({ ask }) => {
        const id = `e${nextId++}` as EventId;
        return take(decide(eventOf(ask, { id, source: "circleBack" }), state));
      });
    },
  };
}

test("B3.3 M2.4 it acts again while the alert stands, at most repeatsMax times", () => {
  const lead = createLead(policyOf(), { placements: [placementOf({ max: 100 })] });
  const acted = [{ atMs: t0, target: lead.report("critical").receipt.newTarget }];
  for (let second = 0; second < 900; second += 10) {
    lead.wait(seconds(10));
    lead.report("critical");
    for (const { receipt } of lead.turn())
      acted.push({ atMs: receipt.atMs, target: receipt.newTarget });
  }
  assert.deepEqual(acted, [
    { atMs: t0, target: 6 },
    { atMs: t0 + seconds(120), target: 8 },
    { atMs: t0 + seconds(240), target: 10 },
    { atMs: t0 + seconds(360), target: 12 },
  ]);
  assert.equal(lead.look().nextAtMs, undefined);
  assert.equal(codesOf(lead.report("critical")), "B3.2 ALERT_NOT_ENTERED, B3.3 REPEATS_EXHAUSTED");
});

test("B3.3 OK ends it, and a new alert begins anew", () => {
  const lead = createLead(policyOf());
  lead.report("critical");
  lead.wait(seconds(119));
  assert.deepEqual(lead.turn(), []);
  assert.equal(lead.look().nextAtMs, t0 + seconds(120));
  lead.report("ok");
  lead.wait(seconds(60));
  assert.deepEqual(lead.turn(), []);
  assert.equal(lead.look().nextAtMs, undefined);
  assert.equal(lead.report("critical").receipt.outcome, "applied");
});

test("B3.2 one key's OK does not end what another key keeps up", () => {
  const lead = createLead(policyOf());
  lead.report("critical", "a");
  lead.report("critical", "b");
  lead.report("ok", "a");
  lead.wait(seconds(120));
  assert.equal(lead.turn().length, 1);
  lead.report("ok", "b");
  lead.wait(seconds(120));
  assert.equal(lead.turn().length, 0);
});

test("B3.3 silence ends it: UNKNOWN is not CRITICAL", () => {
  const policy = policyOf({ alert: alertRuleOf({ timeToLiveMs: seconds(100) }) });
  const lead = createLead(policy);
  lead.report("critical");
  lead.wait(seconds(120));
  assert.deepEqual(lead.turn(), []);
  assert.equal(lead.state().lead.policyMarks[policy.id]?.enteredAtMs, undefined);
});

test("B3.2 the policy acts once its state has held, without another report", () => {
  const lead = createLead(policyOf({ alert: alertRuleOf({ holdMs: seconds(60) }) }));
  const held = lead.report("critical");
  assert.equal(held.receipt.outcome, "held");
  assert.equal(held.receipt.retryAtMs, t0 + seconds(60));
  assert.equal(held.nextAtMs, t0 + seconds(60));
  lead.wait(seconds(59));
  assert.deepEqual(lead.turn(), []);
  lead.wait(seconds(1));
  const due = lead.look().due[0];
  assert.equal(due?.why, "hold");
  assert.equal(due?.enteredBy, "e1");
  assert.equal(lead.turn()[0]?.receipt.newTarget, 6);
});

test("B3.2 a hold that is broken by OK starts anew", () => {
  const lead = createLead(policyOf({ alert: alertRuleOf({ holdMs: seconds(60) }) }));
  lead.report("critical");
  lead.wait(seconds(50));
  lead.report("ok");
  lead.wait(seconds(1));
  lead.report("critical");
  lead.wait(seconds(59));
  assert.deepEqual(lead.turn(), []);
  lead.wait(seconds(1));
  assert.equal(lead.turn().length, 1);
});

test("B2.5 B3.3 an alert refused by a cooldown acts when that is over", () => {
  const lead = createLead(policyOf(), { lead: leadOf({ groupMarks: { lastOutMs: t0 } }) });
  const refused = lead.report("critical");
  assert.equal(codesOf(refused), "B2.5 COOLDOWN_GROUP");
  assert.equal(refused.nextAtMs, t0 + seconds(30));
  lead.wait(seconds(29));
  assert.deepEqual(lead.turn(), []);
  lead.wait(seconds(1));
  assert.equal(lead.turn()[0]?.receipt.outcome, "applied");
});

test("B2.6 no circling back while demand is unanswered", () => {
  const lead = createLead(policyOf());
  lead.report("critical");
  lead.wait(seconds(120));
  lead.set({ unanswered: 2 });
  assert.deepEqual(lead.turn(), []);
  assert.equal(lead.look().nextAtMs, t0 + seconds(120) + unansweredLookMs);
  lead.set({ unanswered: 0 });
  assert.equal(lead.turn().length, 1);
});

test("B8.3 a paused group does not circle back, and goes on when it resumes", () => {
  const lead = createLead(policyOf());
  lead.report("critical");
  const { paused: _, ...running } = lead.state().lead;
  const paused = { sinceMs: t0, reason: "maintenance", principal: "ann" };
  lead.set({ lead: { ...running, paused } });
  lead.wait(seconds(300));
  assert.deepEqual(lead.turn(), []);
  assert.equal(lead.look().nextAtMs, undefined);
  const { paused: __, ...resumed } = lead.state().lead;
  lead.set({ lead: resumed });
  assert.equal(lead.turn().length, 1);
});

test("B3.3 at the maximum it keeps its pace, and what cannot act is not counted", () => {
  const lead = createLead(policyOf(), { placements: [placementOf({ target: 10 })] });
  assert.equal(lead.report("critical").receipt.outcome, "noChange");
  for (let round = 0; round < 5; round++) {
    lead.wait(seconds(119));
    assert.equal(lead.turn().length, 0);
    lead.wait(seconds(1));
    lead.report("critical");
    assert.equal(lead.turn()[0]?.receipt.outcome, "noChange");
    assert.equal(lead.turn().length, 0);
  }
  lead.set({ placements: [placementOf({ target: 10, max: 11 })] });
  lead.wait(seconds(120));
  assert.equal(lead.turn()[0]?.receipt.newTarget, 11);
});

test("M2.2 a flapping alert causes one action within its window, and none is lost after it", () => {
  const lead = createLead(policyOf());
  const outcomes: string[] = [];
  for (let second = 0; second < 8; second += 2) {
    outcomes.push(lead.report("critical").receipt.outcome, lead.report("ok").receipt.outcome);
    lead.wait(seconds(2));
  }
  const quiet = ["merged", "noChange"];
  assert.deepEqual(outcomes, ["applied", "noChange", ...quiet, ...quiet, ...quiet]);
  assert.equal(lead.report("critical").receipt.outcome, "merged");
  assert.equal(lead.look().nextAtMs, t0 + seconds(120), "counted from the event that acted");
});

test("B2.5 marks ahead of a clock that stepped back hold for one cooldown, not for ever", () => {
  const ahead = t0 + seconds(86_400);
  const lead = createLead(policyOf(), { lead: leadOf({ groupMarks: { lastOutMs: ahead } }) });
  const refused = lead.report("critical");
  assert.equal(refused.receipt.outcome, "refused");
  assert.equal(refused.receipt.retryAtMs, t0 + seconds(30));
  lead.wait(seconds(30));
  assert.equal(lead.turn()[0]?.receipt.outcome, "applied");
});

test("B3.2 alert marks ahead of the clock are put right, so that silence still ends them", () => {
  const policy = policyOf();
  const ahead = markOf("critical", { refreshedAtMs: t0 + seconds(86_400) });
  const stale = markOf("ok", { key: "old", refreshedAtMs: t0 - seconds(9_999) });
  const lead = createLead(policy, { alertMarks: [ahead, stale] });
  const { alertMarks } = lead.look();
  assert.deepEqual(alertMarks.puts, [markOf("critical")]);
  assert.deepEqual(alertMarks.deletes, [{ policy: policy.id, key: "old" }]);
});

test("B3.3 a policy that sets a capacity rests while the target is there", () => {
  const lead = createLead(policyOf({ action: { kind: "exact", capacity: 6 } }));
  assert.equal(lead.report("critical").receipt.newTarget, 6);
  lead.wait(seconds(130));
  assert.deepEqual(lead.turn(), []);
  lead.set({ placements: [placementOf({ target: 3 })] });
  assert.equal(lead.turn()[0]?.receipt.newTarget, 6);
});
