import assert from "node:assert/strict";
import { test } from "node:test";
import { cause } from "../../../src/core/model/cause.js";
import type { CloudServerId } from "../../../src/core/model/ids.js";
import type { Observation } from "../../../src/core/model/observation.js";
import type { Plan } from "../../../src/core/model/plan.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { groupOf, limits, rowOf, seenOf, t0 } from "./fixtures.js";

/** Plans broken by hand: none of them may be acted on. */
const empty = (seen: Observation): Plan => ({
  doc: seen.doc,
  rows: [],
  creates: 0,
  choices: [],
  replaces: 0,
  createCause: undefined,
  isShort: false,
  withdraw: [],
  lookUps: [],
  steps: [],
  events: [],
  suspicion: { known: 0, suspected: 0 },
  orphans: [],
  orphansGone: [],
  agrees: false,
  wakeAtMs: undefined,
});
const creates = (count: number): Pick<Plan, "creates" | "choices"> => ({
  creates: count,
  choices: Array.from({ length: count }, () => planned("small")),
});
const planned = (flavor: string) => ({ revision: 1, choice: { flavor } });
const refuses = (seen: Observation, change: Partial<Plan>, why: RegExp) =>
  assert.throws(() => checkPlan(seen, { ...empty(seen), ...change }), why);
const accepts = (seen: Observation, change: Partial<Plan>) =>
  assert.doesNotThrow(() => checkPlan(seen, { ...empty(seen), ...change }));

test("B9.3 creates beyond the target are refused, whatever is on its way counted", () => {
  const rows = [rowOf("1", "inService"), rowOf("2", "intended"), rowOf("3", "deleting")];
  accepts(seenOf(rows, { target: 4 }), { ...creates(2) });
  refuses(seenOf(rows, { target: 4 }), { ...creates(3) }, /B9\.3/);
  refuses(seenOf([], { target: 1, spec: undefined }), { ...creates(1) }, /B9\.3/);
  refuses(seenOf([], { target: 1, doc: { deleting: true } }), { ...creates(1) }, /B9\.3/);
});

test("B9.3 rows that the plan itself moves count as it leaves them", () => {
  const seen = seenOf([rowOf("1", "draining")], { target: 1 });
  accepts(seen, { ...creates(1) });
  refuses(seen, { ...creates(1), rows: [rowOf("1", "inService")] }, /B9\.3/);
});

test("B8.3 B9.1 B4.3 creates while paused, under a brake or unseen are refused", () => {
  const paused = { sinceMs: t0, reason: "r", principal: "ann" };
  refuses(seenOf([], { target: 1, doc: { paused } }), { ...creates(1) }, /B8\.3/);
  const stopped = new Map([["create", cause("B9.1", "BRAKED")]] as const);
  refuses(seenOf([], { target: 1, stopped }), { ...creates(1) }, /B9\.1/);
  const cloud = { kind: "unavailable", cause: cause("B4.3", "LISTING_PARTIAL") } as const;
  refuses(seenOf([], { target: 1, cloud }), { ...creates(1) }, /B4\.3/);
});

test("B9.5 deletes of servers that do not leave, or are not the row's, are refused", () => {
  const rows = [rowOf("1", "inService"), rowOf("2", "deleting")];
  const step = (server: string, cloudId: string) =>
    ({ kind: "delete", server, cloudId }) as unknown as Plan["steps"][number];
  accepts(seenOf(rows), { steps: [step("2", "cloud-2")] });
  refuses(seenOf(rows), { steps: [step("1", "cloud-1")] }, /B9\.5/);
  refuses(seenOf(rows), { steps: [step("2", "cloud-1")] }, /B9\.5/);
  refuses(seenOf(rows), { steps: [step("9", "cloud-9")] }, /B9\.5/);
  const rebound = rowOf("2", "deleting", { cloudId: "cloud-7" as CloudServerId });
  refuses(seenOf(rows), { rows: [rebound], steps: [step("2", "cloud-2")] }, /B9\.5/);
  const unbound = rowOf("3", "abandoned", { state: "deleting" });
  refuses(seenOf([unbound]), { steps: [step("3", undefined as never)] }, /B9\.5/);
});

test("B4.4 scaling in a protected server is refused; its delete by hand is not", () => {
  const before = rowOf("1", "inService", { protected: true });
  const leaving = (code: "SURPLUS" | "REQUESTED") =>
    rowOf("1", "deleting", { protected: true, leaving: cause("B4.4", code) });
  refuses(seenOf([before], { target: 0 }), { rows: [leaving("SURPLUS")] }, /B4\.4/);
  accepts(seenOf([before], { target: 0 }), { rows: [leaving("REQUESTED")] });
});

test("B8.3 B9.1 deletes and changes of members while paused or under a brake are refused", () => {
  const rows = [rowOf("1", "deleting")];
  const steps = [{ kind: "delete", server: rows[0]!.id, cloudId: rows[0]!.cloudId! }] as const;
  const paused = { sinceMs: t0, reason: "r", principal: "ann" };
  refuses(seenOf(rows, { doc: { paused } }), { steps }, /B8\.3/);
  const stopped = new Map([["delete", cause("B9.1", "BRAKED")]] as const);
  refuses(seenOf(rows, { stopped }), { steps }, /B9\.1/);
});

test("B4.7 nothing is created that nobody chose, and nothing where there is no room", () => {
  const launch = { ...groupOf().launch, fallbackFlavors: ["large"] };
  const mark = { flavor: "small", failures: 1, sinceMs: t0 - 1, untilMs: t0 + 1 };
  const seen = seenOf([], { target: 2, group: groupOf({ launch }), doc: { noRoom: [mark] } });
  refuses(seen, { creates: 1 }, /B4\.7/);
  refuses(seen, { ...creates(1) }, /B4\.7/);
  accepts(seen, { creates: 1, choices: [planned("large")] });
  accepts({ ...seen, nowMs: t0 + 1 }, { ...creates(1) });
});

test("B9.5 tags are not written for a delete to find them", () => {
  const tag = { kind: "tag", server: "1" as never, cloudId: "cloud-1" as CloudServerId } as const;
  accepts(seenOf([rowOf("1", "inService", { tags: "lost" })]), { steps: [tag] });
  for (const tags of ["lost", "adopted"] as const) {
    const seen = seenOf([rowOf("1", "deleting", { tags })], { target: 0 });
    refuses(seen, { steps: [tag] }, /B9\.5/);
    const plan = planPlacement(seen, limits);
    assert.ok(plan.steps.every(({ kind }) => kind === "delete"));
  }
});
