import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  eventsOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  statesOf,
  t0,
} from "./fixtures.js";

/** A server that a person keeps out of service (B8.1). */

type Given = NonNullable<Parameters<typeof seenOf>[1]>;
const plan = (rows: readonly ServerRow[], given: Given = {}) => {
  const seen = seenOf(rows, given);
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  return made;
};
const aside = (id: string, change: Partial<ServerRow> = {}) =>
  rowOf(id, "standingBy", {
    inServiceAtMs: t0 - 3_600_000,
    drainingSinceMs: t0,
    standBy: { sinceMs: t0, principal: "ann", lowered: true },
    ...change,
  });

describe("B8.1 a server stands by", () => {
  test("it counts for nothing, and the rest is converged", () => {
    const made = plan([rowOf("1", "inService"), aside("2")], { target: 1 });
    assert.deepEqual([made.creates, statesOf(made), made.steps], [0, [], []]);
    assert.equal(conditionOf(made, "converged")?.holds, true);
    assert.equal(plan([rowOf("1", "inService"), aside("2")], { target: 2 }).creates, 1);
  });

  test("it is never chosen to leave, whatever the target", () => {
    const made = plan([rowOf("1", "inService"), aside("2", { createdAtMs: 0 })], { target: 0 });
    assert.deepEqual(statesOf(made), ["1:deleting"]);
  });

  test("what the cloud says of it is a person's doing, and changes nothing", () => {
    for (const status of ["SHUTOFF", "ERROR", "RESCUE", "SHELVED"]) {
      const listed = [serverOf("2", { status })];
      const made = plan([aside("2")], { target: 0, listed });
      assert.deepEqual([eventsOf(made), made.steps, made.creates], [[], [], 0], status);
    }
  });

  test("once it is gone for certain its row ends, and none is made for it", () => {
    const given: Given = { target: 0, listed: [], lookedUp: [["cloud-2", "gone"]] };
    const made = plan([aside("2")], given);
    assert.deepEqual(statesOf(made), ["2:deleting"]);
    assert.deepEqual([made.creates, made.doc.vacant], [0, undefined]);
    assert.equal(made.doc.losses, undefined, "and takes nothing of the ramp of those that serve");
  });

  test("B5.3 it finishes its connections, then leaves its load balancer, and stays", () => {
    const rows = [aside("2", { memberships: [membershipOf("2")] })];
    const begins = plan(rows, { ...attached([memberOf("2")]), target: 0 });
    assert.deepEqual(begins.rows[0]?.memberships[0]?.state, "draining");
    assert.deepEqual(begins.steps[0], {
      ...{ kind: "changeMembers", loadBalancer: "lb-1" },
      changes: [
        {
          ...{ server: "2", kind: "put", host: "10.0.0.2", port: 80, weight: 10 },
          draining: true,
        },
      ],
    });
    const draining = [aside("2", { memberships: [membershipOf("2", { state: "draining" })] })];
    const busy = attached([memberOf("2", { draining: true })]);
    assert.deepEqual(plan(draining, { ...busy, target: 0 }).steps, []);
    const late = plan(draining, { ...busy, target: 0, nowMs: t0 + 60_000 });
    assert.equal(late.rows[0]?.memberships[0]?.state, "removing");
    assert.equal(late.rows[0]?.state, "standingBy");
  });

  test("B8.4 it goes with its group, and with a placement that leaves the group", () => {
    const ends: readonly Given[] = [{ doc: { deleting: true } }, { spec: undefined }];
    for (const end of ends) {
      assert.deepEqual(statesOf(plan([aside("2")], { target: 0, ...end })), ["2:deleting"]);
      const stopped = new Map([["delete", { rule: "B9.1", code: "BRAKED", facts: {} }]] as const);
      assert.deepEqual(statesOf(plan([aside("2")], { target: 0, ...end, stopped })), []);
    }
  });
});
