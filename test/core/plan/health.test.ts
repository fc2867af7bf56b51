import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServerRow } from "../../../src/core/model/server.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  groupOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  t0,
} from "./fixtures.js";

const plan = (...given: Parameters<typeof seenOf>) => planPlacement(seenOf(...given), limits);
const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));
const members = (count: number, change: Partial<ServerRow> = {}) =>
  ids(count).map((id) => rowOf(id, "inService", { memberships: [membershipOf(id)], ...change }));
const sick = (count: number, of: number) =>
  attached(ids(of).map((id, index) => memberOf(id, index < count ? { health: "unhealthy" } : {})));
const leaving = (made: ReturnType<typeof plan>) => made.rows.filter((row) => row.leaving);
const optsIn = groupOf({ health: { useLoadBalancer: true, bootGraceMs: 60_000 } });

test("B5.6 a load balancer's word leads to replacement only where the group opts in", () => {
  assert.equal(leaving(plan(members(5), sick(2, 5))).length, 0);
  const made = plan(members(5), { ...sick(2, 5), group: optsIn });
  assert.deepEqual(
    leaving(made).map((row) => [row.id, row.state, row.leaving?.code]),
    [
      ["1", "draining", "SUSPECTED"],
      ["2", "draining", "SUSPECTED"],
    ],
  );
  assert.equal(made.creates, 2);
  assert.match(String(made.rows[0]?.leaving?.facts["because"]), /load balancer lb-1/);
});

test("B9.2 never beyond the brake: all of them unhealthy says more of the check", () => {
  const made = plan(members(10), { ...sick(10, 10), group: optsIn });
  assert.equal(leaving(made).length, 0);
  assert.deepEqual(conditionOf(made, "held")?.causes[0]?.facts, {
    suspected: 10,
    known: 10,
    most: 3,
  });
});

test("B6.1 nobody is suspected within the boot grace, and somebody looks when it ends", () => {
  const young = members(3, { inServiceAtMs: t0 - 59_999 });
  const made = plan(young, { ...sick(1, 3), group: optsIn });
  assert.equal(leaving(made).length, 0);
  assert.equal(made.wakeAtMs, t0 + 1);
  const old = members(3, { inServiceAtMs: t0 - 60_000 });
  assert.equal(leaving(plan(old, { ...sick(1, 3), group: optsIn })).length, 1);
});

test("B9.2 a report from outside suspects until its time is over", () => {
  const reported = { reason: "502", principal: "probe", atMs: t0 - 1_000, untilMs: t0 + 1 };
  const rows = [rowOf("1", "inService", { reported }), rowOf("2", "inService")];
  const made = plan(rows);
  assert.deepEqual(
    leaving(made).map((row) => [row.id, row.state]),
    [["1", "deleting"]],
  );
  assert.match(String(made.rows[0]?.leaving?.facts["because"]), /probe reports.*502/);
  assert.equal(leaving(plan(rows, { nowMs: t0 + 1 })).length, 0);
});

test("B4.2 who is left alone is not suspected: somebody works on it", () => {
  const reported = { reason: "r", principal: "p", atMs: t0, untilMs: t0 + 60_000 };
  for (const status of ["RESCUE", "UNKNOWN", "REBOOT"]) {
    const listed = [serverOf("1", { status })];
    const row = rowOf("1", "inService", { reported, cloudStatus: status });
    assert.equal(leaving(plan([{ ...row, cloudStatusSinceMs: t0 }], { listed })).length, 0, status);
  }
});
