import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy } from "../../../src/core/model/policy.js";
import { seconds, t0 } from "./fixtures.js";
import { createLead, plainPolicy, tracking } from "./lead.js";

const cpu = (more: Partial<Parameters<typeof tracking>[0]> = {}) =>
  plainPolicy("cpu", tracking(more));
const down = (change = -2): Policy => plainPolicy("down", { kind: "change", change });
const out = "B2.1 APPLIED, B2.1 MEASURED";

test("B3.6 target tracking scales in to the highest recommendation of its window", () => {
  const lead = createLead([cpu()]);
  // Recommends 10 × value ÷ 0.5.
  const rows: readonly (readonly [atS: number, value: number, said: string])[] = [
    [0, 0.4, "10: B3.6 STABILISING_FIRST"],
    [60, 0.3, "10: B3.6 STABILISING_FIRST"],
    [299, 0.3, "10: B3.6 STABILISING_FIRST"],
    // What was recommended 300 s ago is out of the window: the highest in it is 6.
    [300, 0.25, `6: ${out}, B3.6 STABILISING`],
    // From 6 servers on: 0.4 asks for 5. The 6 of second 299 counts until 599.
    [330, 0.4, "6: B3.6 STABILISING"],
    [598, 0.4, "6: B3.6 STABILISING"],
    [599, 0.4, `5: ${out}`],
    [600, 0.9, `9: ${out}`],
    [601, 0.3, "9: B3.6 STABILISING"],
  ];
  for (const [atS, value, said] of rows) {
    lead.at(atS);
    assert.equal(lead.report("cpu", { value }), said, `after ${atS} s`);
  }
});

test("B3.6 B2.9 the receipt of a stabilised scale-in says what holds it, and until when", () => {
  const lead = createLead([cpu()]);
  lead.report("cpu", { value: 0.5 });
  lead.at(400);
  const report = { kind: "alert", policy: cpu().id, key: "k1", state: "ok" } as const;
  const { receipt } = lead.ask({ ...report, value: 0.2 });
  assert.equal(receipt.outcome, "applied", "the 10 of 400 s ago count no more");
  lead.at(430);
  const held = lead.ask({ ...report, value: 0.1 }).receipt;
  assert.equal(held.outcome, "held");
  assert.deepEqual(held.causes[0]?.facts, { windowMs: 300_000, highest: 4, agoMs: 30_000 });
  assert.equal(held.retryAtMs, t0 + seconds(700));
});

test("B3.4 after a silence of more than the time to live its window begins anew", () => {
  const lead = createLead([cpu()]);
  lead.report("cpu", { value: 0.5 });
  lead.at(600);
  assert.match(lead.report("cpu", { value: 0.25 }), /^5: /);
  lead.at(1_201);
  assert.equal(lead.report("cpu", { value: 0.25 }), "5: B3.6 STABILISING_FIRST");
  assert.equal(lead.report("cpu", { state: "unknown", value: 0 }), "5: B3.4 VALUE_MISSING");
  assert.equal(lead.report("cpu", {}), "5: B3.4 VALUE_MISSING");
});

const load = plainPolicy("load", {
  ...{ kind: "steps", threshold: 0.8 },
  steps: [{ lower: 0, action: { kind: "change", change: 2 } }],
});

test("B3.6 a scale-in that by estimate crosses the scale-out threshold is shrunk or skipped", () => {
  // [load with 10 servers, what -4 comes to]: with n servers it is load × 10 ÷ n.
  const rows: readonly (readonly [number, string])[] = [
    [0.4, "6: B2.2 APPLIED"],
    [0.47, "6: B2.2 APPLIED"],
    // 0.48 × 10 ÷ 6 is 0.8, the threshold itself.
    [0.48, "7: B2.2 APPLIED, B3.6 FLAP_FORECAST"],
    [0.6, "8: B2.2 APPLIED, B3.6 FLAP_FORECAST"],
    [0.7, "9: B2.2 APPLIED, B3.6 FLAP_FORECAST"],
    [0.72, "10: B3.6 FLAP_FORECAST"],
    [0.79, "10: B3.6 FLAP_FORECAST"],
  ];
  for (const [value, said] of rows) {
    const lead = createLead([load, down(-4)]);
    lead.report("load", { value });
    assert.equal(lead.report("down", { state: "critical" }), said, `${value}`);
  }
});

test("B3.6 people and webhooks are not told what demand will be", () => {
  const lead = createLead([load, down(-4)]);
  lead.report("load", { value: 0.79 });
  const policy = down().id;
  const webhook = lead.ask({ kind: "policy", policy }, { source: "webhook" });
  assert.equal(webhook.receipt.newTarget, 6);
  const byHand = lead.ask({ kind: "change", change: -1 });
  assert.equal(byHand.receipt.newTarget, 5);
});

test("B3.5 scaling in takes no more than the group's limit within its time", () => {
  const scaleInLimit = { servers: 3, withinMs: seconds(600) };
  const lead = createLead([down()], { group: { cooldownMs: 0, deleting: false, scaleInLimit } });
  const say = (atS: number, change: number) => {
    lead.at(atS);
    const { receipt } = lead.ask({ kind: "change", change });
    const codes = receipt.causes.map(({ code }) => code).join();
    const retry = receipt.retryAtMs === undefined ? "" : ` ${(receipt.retryAtMs - t0) / 1_000}`;
    return `${receipt.newTarget} ${codes}${retry}`;
  };
  assert.equal(say(0, -2), "8 APPLIED");
  assert.equal(say(60, -2), "7 APPLIED,SCALE_IN_LIMIT");
  assert.equal(say(90, -1), "7 SCALE_IN_LIMIT 600");
  assert.equal(say(100, 5), "12 APPLIED", "scaling out is not limited");
  assert.equal(say(599, -1), "12 SCALE_IN_LIMIT 600");
  assert.equal(say(600, -5), "10 APPLIED,SCALE_IN_LIMIT", "the first two count no more");
  lead.at(601);
  assert.equal(lead.ask({ kind: "target", target: 1 }).receipt.newTarget, 1, "targets are obeyed");
  assert.equal(say(602, -1), "1 SCALE_IN_LIMIT 660", "and count");
});

test("B3.5 a share limits by what was there when the time began, and lets one go at least", () => {
  const group = (partsPerMillion: number) => ({
    ...{ cooldownMs: 0, deleting: false },
    scaleInLimit: { partsPerMillion, withinMs: seconds(600) },
  });
  const lead = createLead([], { group: group(300_000) });
  assert.equal(lead.ask({ kind: "change", change: -2 }).receipt.newTarget, 8);
  assert.equal(lead.ask({ kind: "change", change: -2 }).receipt.newTarget, 7, "30 % of 10");
  const small = createLead([], { group: group(10_000) });
  assert.equal(small.ask({ kind: "change", change: -2 }).receipt.newTarget, 9);
});

test("B3.5 demand that falls off a cliff holds scaling in, for a bounded time", () => {
  const lead = createLead([cpu({ stabilisationMs: 0 })]);
  assert.equal(lead.report("cpu", { value: 0.5 }), "10: B2.1 WITHIN_TOLERANCE");
  lead.at(60);
  assert.equal(lead.report("cpu", { value: 0.1 }), "10: B3.5 DEMAND_ANOMALY");
  const hold = lead.state().lead.groupMarks.demandHold;
  assert.equal(hold?.sinceMs, t0 + seconds(60));
  assert.equal(hold?.untilMs, t0 + seconds(960));
  assert.deepEqual(hold?.why.facts, { before: 10, now: 2, untilMs: t0 + seconds(960) });
  for (let atS = 120; atS < 960; atS += 60) {
    lead.at(atS);
    assert.equal(lead.report("cpu", { value: 0.1 }), "10: B3.5 DEMAND_ANOMALY", `${atS}`);
  }
  lead.at(960);
  assert.equal(lead.report("cpu", { value: 0.1 }), `2: ${out}`, "then it is believed");
  assert.equal(lead.state().lead.groupMarks.demandHold, undefined);
});

test("B3.5 demand that comes back ends the hold, and a slow fall makes none", () => {
  const lead = createLead([cpu({ stabilisationMs: 0 })]);
  lead.report("cpu", { value: 0.5 });
  lead.at(60);
  assert.equal(lead.report("cpu", { value: 0.1 }), "10: B3.5 DEMAND_ANOMALY");
  lead.at(120);
  assert.equal(lead.report("cpu", { value: 0.4 }), `8: ${out}`);
  lead.at(180);
  assert.equal(lead.report("cpu", { value: 0.2 }), `4: ${out}`, "4 of 10 is no cliff");
});

test("B3.5 while many groups drop at once none scales in, and nobody waits for long", () => {
  const demandDrop = { sinceMs: t0, groups: 7, ofGroups: 9 };
  const lead = createLead([down()], { demandDrop });
  assert.equal(lead.report("down", { state: "critical" }), "10: B3.5 DEMAND_ANOMALY");
  lead.at(899);
  assert.equal(lead.report("down", { state: "critical" }), "10: B3.5 DEMAND_ANOMALY");
  lead.at(900);
  assert.equal(lead.report("down", { state: "critical" }), "8: B2.2 APPLIED");
  const byHand = createLead([down()], { demandDrop });
  assert.equal(byHand.ask({ kind: "policy", policy: down().id }).receipt.newTarget, 8);
});
