import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicyId } from "../../../src/core/model/ids.js";
import type { Policy } from "../../../src/core/model/policy.js";
import { circleBack } from "../../../src/core/policy/circle-back.js";
import { alertRuleOf, seconds } from "./fixtures.js";
import { createLead, plainPolicy, tracking } from "./lead.js";

const cpu = plainPolicy("cpu", tracking({ stabilisationMs: 0 }));
const memory = plainPolicy("memory", tracking({ metric: "memory", stabilisationMs: 0 }));
const by = (id: string, change: number, more: Partial<Policy> = {}) =>
  plainPolicy(id, { kind: "change", change }, more);
const out = "B2.1 APPLIED, B2.1 MEASURED";

test("B3.5 scaling out: of two metrics the one that needs more counts, and the receipt says so", () => {
  const lead = createLead([cpu, memory]);
  assert.equal(lead.report("cpu", { value: 0.8 }), `16: ${out}`);
  lead.set({ unanswered: 6 });
  // 16 × 1 ÷ 0.5 are 32; it waits for the 6, and is not forgotten.
  assert.equal(lead.report("memory", { value: 1 }), "16: B2.6 DEMAND_UNANSWERED");
  lead.set({ unanswered: 0 });
  lead.at(30);
  const decided = lead.ask({ kind: "alert", policy: cpu.id, key: "k1", state: "ok", value: 0.7 });
  assert.equal(decided.receipt.newTarget, 32, "22 for the processors");
  const why = decided.receipt.causes.at(-1);
  assert.deepEqual(
    [why?.code, why?.facts],
    ["OTHER_WANTS_MORE", { policy: "memory", otherWanted: 32, wanted: 23 }],
  );
  const marks = decided.marks.policyMarks;
  assert.equal(marks[cpu.id]?.lastOutMs, marks[memory.id]?.lastOutMs, "both have acted");
});

test("B3.5 scaling in: the highest of what the metrics need counts", () => {
  const lead = createLead([cpu, memory]);
  assert.equal(lead.report("memory", { value: 0.4 }), `8: ${out}`);
  assert.equal(lead.report("cpu", { value: 0.3 }), "8: B3.5 OTHER_WANTS_MORE");
  assert.equal(lead.report("memory", { value: 0.3 }), `5: ${out}`);
});

test("B3.4 B3.5 a metric whose data went missing keeps others from scaling in, while it is known", () => {
  const lead = createLead([cpu, memory]);
  assert.equal(lead.report("memory", { value: 0.4 }), `8: ${out}`);
  lead.at(601);
  assert.equal(lead.report("cpu", { value: 0.3 }), "8: B3.5 OTHER_SILENT");
  assert.equal(lead.report("cpu", { value: 0.8 }), `13: ${out}`, "and none from scaling out");
  lead.at(1_201);
  assert.equal(lead.report("cpu", { value: 0.3 }), `8: ${out}`, "then it is forgotten");
});

test("B3.5 an alert that stands for more keeps another one from scaling in", () => {
  const lead = createLead([by("up", 2), by("down", -3)]);
  assert.equal(lead.report("up", { state: "critical" }), "12: B2.2 APPLIED");
  assert.equal(lead.report("down", { state: "critical" }), "12: B3.5 OTHER_WANTS_MORE");
  assert.equal(lead.report("up", { state: "ok" }), "12: B3.2 ALERT_STATE");
  assert.equal(lead.report("down", { state: "critical" }), "9: B2.2 APPLIED");
});

test("B3.5 of two alerts that stand for fewer the more careful one counts, of any two out the bolder", () => {
  const inwards = createLead([by("much", -5), by("little", -1)]);
  assert.equal(inwards.report("little", { state: "critical" }), "9: B2.2 APPLIED");
  const said = inwards.report("much", { state: "critical" });
  assert.equal(said, "8: B2.2 APPLIED, B3.5 OTHER_WANTS_MORE");

  const hold = { alert: alertRuleOf({ holdMs: seconds(60), repeatMs: seconds(60) }) };
  const outwards = createLead([by("little", 1, hold), by("much", 5, hold)]);
  outwards.report("little", { state: "critical" });
  outwards.report("much", { state: "critical" });
  outwards.at(60);
  const both = outwards.report("little", { state: "critical" });
  assert.equal(both, "15: B2.2 APPLIED, B3.5 OTHER_WANTS_MORE");
  assert.equal(outwards.report("much", { state: "critical" }), "15: B3.2 ALERT_NOT_ENTERED");
});

test("B3.5 two capacities: the larger stands for as long as its alert does", () => {
  const lead = createLead([
    plainPolicy("seven", { kind: "exact", capacity: 7 }),
    plainPolicy("twelve", { kind: "exact", capacity: 12 }),
  ]);
  assert.equal(lead.report("twelve", { state: "critical" }), "12: B2.2 APPLIED");
  assert.equal(lead.report("seven", { state: "critical" }), "12: B3.5 OTHER_WANTS_MORE");
  assert.equal(lead.report("twelve", { state: "ok" }), "12: B3.2 ALERT_STATE");
  assert.equal(lead.report("seven", { state: "critical" }), "7: B2.2 APPLIED");
});

test("B3.5 people are taken at their word, whatever alerts stand for", () => {
  const lead = createLead([by("up", 2), by("down", -3)]);
  lead.report("up", { state: "critical" });
  assert.equal(lead.ask({ kind: "policy", policy: "down" as PolicyId }).receipt.newTarget, 9);
  assert.equal(lead.ask({ kind: "target", target: 3 }).receipt.newTarget, 3);
});

test("B3.3 B3.5 an alert that a guard holds asks again at its repeat, and not before", () => {
  const lead = createLead([by("up", 2), by("down", -3)]);
  lead.report("up", { state: "critical" });
  lead.report("down", { state: "critical" });
  const look = (atS: number) => {
    lead.at(atS);
    const { due, nextAtMs } = circleBack({ ...lead.state(), total: 12 });
    return [due.map(({ policy }) => policy), nextAtMs === undefined ? 0 : nextAtMs / 1_000];
  };
  const startS = lead.state().nowMs / 1_000;
  assert.deepEqual(look(59), [[], startS + 60]);
  assert.deepEqual(look(60), [["up", "down"], 0]);
});
