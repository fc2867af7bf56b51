import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cause } from "../../../src/core/model/cause.js";
import type { OperationClass } from "../../../src/core/model/colo.js";
import type { Observation } from "../../../src/core/model/observation.js";
import type { PauseMark } from "../../../src/core/model/placement.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  conditionOf,
  eventsOf,
  groupOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  statesOf,
  t0,
  waitsOf,
} from "./fixtures.js";

/** What may pass is not given up while nothing could take its place. */

type Given = NonNullable<Parameters<typeof seenOf>[1]>;
const ids = ["1", "2", "3"];
const hour = 3_600_000;
const paused: PauseMark = { sinceMs: t0 - hour, reason: "maintenance", principal: "ann" };
const brake = (...classes: readonly OperationClass[]): Pick<Observation, "stopped"> => ({
  stopped: new Map(classes.map((one) => [one, cause("B9.1", "BRAKED", { operation: one })])),
});
const plan = (rows: readonly ServerRow[], given: Given) => {
  const seen = seenOf(rows, given);
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  return made;
};

const long = { cloudStatusSinceMs: t0 - hour };
/** Three servers each, with every reason that the cloud or others may take back. */
const troubles: Readonly<Record<string, readonly [readonly ServerRow[], Given]>> = {
  STOPPED: [
    ids.map((id) => rowOf(id, "inService", { ...long, cloudStatus: "SHUTOFF" })),
    { listed: ids.map((id) => serverOf(id, { status: "SHUTOFF" })) },
  ],
  WAIT_EXPIRED: [
    ids.map((id) => rowOf(id, "inService", { ...long, cloudStatus: "RESIZE" })),
    {
      listed: ids.map((id) => serverOf(id, { status: "RESIZE" })),
      group: groupOf({ overdueServers: "replace" }),
    },
  ],
  HOST_DOWN: [
    ids.map((id) => rowOf(id, "inService")),
    {
      listed: ids.map((id) => serverOf(id, { hostStatus: "DOWN" })),
      lookedUp: ids.map((id) => [`cloud-${id}`, serverOf(id, { hostStatus: "DOWN" })]),
    },
  ],
  CLOUD_ERROR: [
    ids.map((id) => rowOf(id, "inService")),
    {
      listed: ids.map((id) => serverOf(id, { status: "ERROR" })),
      lookedUp: ids.map((id) => [`cloud-${id}`, serverOf(id, { status: "ERROR" })]),
    },
  ],
  SUSPECTED: [
    ids.map((id) => rowOf(id, "inService", { memberships: [membershipOf(id)] })),
    {
      ...attached(ids.map((id) => memberOf(id, { health: "unhealthy" }))),
      group: groupOf({ health: { useLoadBalancer: true, bootGraceMs: 0 } }),
    },
  ],
  BUILD_TIMEOUT: [
    ids.map((id) => rowOf(id, "building", { ...long, cloudStatus: "BUILD" })),
    { listed: ids.map((id) => serverOf(id, { status: "BUILD" })) },
  ],
};

const stops: Readonly<Record<string, Given>> = {
  "a pause": { doc: { paused } },
  "the monitor's pause": { doc: { paused: { ...paused, operations: ["create", "delete"] } } },
  "a kill switch on create": brake("create"),
  "a kill switch on delete": brake("delete"),
};

describe("B8.3 B9.1 what may pass is not given up while it could not be replaced", () => {
  for (const [code, [rows, given]] of Object.entries(troubles)) {
    test(`${code} is given up where nothing stops it`, () => {
      assert.equal(plan(rows, given).rows.filter((row) => row.leaving?.code === code).length, 3);
    });
    for (const [name, stop] of Object.entries(stops))
      test(`${code} under ${name} only waits, and says so`, () => {
        const made = plan(rows, { ...given, ...stop });
        assert.deepEqual(statesOf(made), []);
        assert.deepEqual(eventsOf(made), []);
        assert.deepEqual(made.steps, []);
        const waits = waitsOf(made);
        assert.ok(waits.includes(code), String(waits));
        assert.ok(waits.includes(stop.doc ? "PAUSED" : "BRAKED"), String(waits));
      });
  }

  test("SHUTOFF of a server that is still to come into service waits, too", () => {
    const rows = [rowOf("1", "building", { ...long, cloudStatus: "SHUTOFF" })];
    const listed = [serverOf("1", { status: "SHUTOFF" })];
    assert.deepEqual(statesOf(plan(rows, { listed })), ["1:deleting"]);
    assert.deepEqual(statesOf(plan(rows, { listed, doc: { paused } })), []);
  });

  test("a server that is never healthy in its load balancer is not given up under a brake", () => {
    const sinceMs = t0 - 2 * hour;
    const rows = [rowOf("1", "launching", { sinceMs, memberships: [membershipOf("1")] })];
    const given = attached([memberOf("1", { health: "unhealthy" })]);
    assert.deepEqual(statesOf(plan(rows, given)), ["1:draining"]);
    assert.deepEqual(statesOf(plan(rows, { ...given, ...brake("create") })), []);
  });

  test("a kill switch on load balancers keeps members, and them alone", () => {
    const [rows, given] = troubles["SUSPECTED"]!;
    assert.deepEqual(statesOf(plan(rows, { ...given, ...brake("loadBalancer") })), []);
    const [ill, told] = troubles["STOPPED"]!;
    assert.equal(statesOf(plan(ill, { ...told, ...brake("loadBalancer") })).length, 3);
  });

  test("what is over for good goes, whatever is stopped", () => {
    const rows = ids.map((id) => rowOf(id, "inService"));
    const lookedUp = [["cloud-1", "gone"]] as const;
    const listed = ["2", "3"].map((id) => serverOf(id));
    for (const stop of Object.values(stops)) {
      const all = { listed, lookedUp, ...brake("create", "delete"), ...stop, target: 2 };
      assert.deepEqual(statesOf(plan(rows, all)), ["1:deleting"]);
    }
  });

  test("nobody is asked for that stays anyway", () => {
    const rows = ids.map((id) => rowOf(id, "inService"));
    const listed = ids.map((id) => serverOf(id, { status: "ERROR" }));
    const made = plan(rows, { listed, ...brake("create") });
    assert.deepEqual(made.lookUps, []);
    assert.deepEqual(made.suspicion, { known: 3, suspected: 3 });
    assert.equal(conditionOf(made, "healthy")?.holds, false);
  });
});

describe("B4.6 B9.2 suspects stay while builds fail", () => {
  const [rows, given] = troubles["SUSPECTED"]!;
  const failed = (retryInMs: number) => ({
    backoff: { failures: 2, retryAtMs: t0 + retryInMs, reason: "no host" },
  });

  test("while the backoff runs, and until a build has shown that the cloud builds again", () => {
    const runs = plan(rows, { ...given, doc: failed(60_000) });
    assert.deepEqual(statesOf(runs), []);
    assert.equal(runs.wakeAtMs, t0 + 60_000);
    assert.ok(waitsOf(runs).includes("BACKOFF") && waitsOf(runs).includes("SUSPECTED"));
    const due = plan(rows, { ...given, doc: failed(-1), target: 4 });
    assert.deepEqual([statesOf(due), due.creates], [[], 1]);
  });

  test("not for ever: where none is missing the first of them is the trial", () => {
    assert.equal(statesOf(plan(rows, { ...given, doc: failed(-1) })).length, 3);
    const acknowledged = { atMs: t0, untilMs: t0 + hour, reason: "r", principal: "ann" };
    const doc = { ...failed(60_000), acknowledged };
    assert.equal(statesOf(plan(rows, { ...given, doc })).length, 3, "a person may say so");
  });
});
