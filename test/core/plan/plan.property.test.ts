import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Observation } from "../../../src/core/model/observation.js";
import type { Plan } from "../../../src/core/model/plan.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { isCounted, isLeaving } from "../../../src/core/plan/lifecycle.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { observations } from "./arbitraries.js";
import { isEmptyPlan, limits } from "./fixtures.js";
import { createPerfectWorld } from "./perfect-world.js";

const runs = { numRuns: 2_000 };
const plan = (seen: Observation) => planPlacement(seen, limits);
const targetOf = ({ doc, spec }: Observation) => (doc.deleting || !spec ? 0 : doc.target);
const rowsAfter = (seen: Observation, { rows }: Plan) => {
  const changed = new Map(rows.map((row) => [row.id, row]));
  return seen.rows.map((row) => changed.get(row.id) ?? row);
};

/** Each holds for every observation: the planner's promises, in words of their own. */
const promises: Readonly<Record<string, (seen: Observation, made: Plan) => void>> = {
  "B9.3 what counts and what is created stays within the target": (seen, made) => {
    const counted = rowsAfter(seen, made).filter(isCounted).length;
    if (made.creates > 0) assert.ok(counted + made.creates <= targetOf(seen));
    assert.ok(made.creates <= limits.createsMax);
  },
  "B9.5 only servers of rows that leave are deleted, by the id that the row is bound to": (
    seen,
    made,
  ) => {
    const rows = new Map(rowsAfter(seen, made).map((row) => [row.id, row]));
    for (const step of made.steps) {
      if (step.kind !== "delete") continue;
      const row = rows.get(step.server);
      assert.equal(row?.state, "deleting");
      assert.equal(row?.cloudId, step.cloudId);
      assert.ok(!step.cloudId.startsWith("copy-") && !step.cloudId.startsWith("cloud-90"));
    }
  },
  "B4.4 no protected server is chosen, unless the group itself goes": (seen, made) => {
    if (seen.doc.deleting) return;
    for (const before of seen.rows.filter((row) => row.protected && !row.leaving)) {
      const after = made.rows.find((row) => row.id === before.id);
      assert.notEqual(after?.leaving?.code, "SURPLUS");
    }
  },
  "B4.1 scaling in never goes below the target": (seen, made) => {
    const chosen = made.rows.filter((row) => row.leaving?.code === "SURPLUS" && isLeaving(row));
    const fresh = chosen.filter((row) => !seen.rows.find((one) => one.id === row.id)?.leaving);
    if (fresh.length === 0) return;
    assert.ok(rowsAfter(seen, made).filter(isCounted).length >= targetOf(seen));
  },
  "B4.3 without a whole listing nothing is planned but the wait": (seen, made) => {
    if (seen.cloud.kind === "listed") return;
    assert.deepEqual([made.creates, made.steps, made.rows, made.withdraw], [0, [], [], []]);
    assert.ok(made.wakeAtMs !== undefined);
  },
  "B4.3 while look-ups are open nothing moves": (seen, made) => {
    if (made.lookUps.length === 0) return;
    assert.deepEqual([made.creates, made.withdraw], [0, []]);
    assert.ok(made.steps.every((step) => step.kind === "findIntention"));
    assert.ok(seen.cloud.kind === "listed");
  },
  "B8.3 while paused nothing is changed outside": (seen, made) => {
    if (!seen.doc.paused) return;
    assert.deepEqual([made.creates, made.withdraw], [0, []]);
    assert.ok(made.steps.every((step) => step.kind === "findIntention"));
  },
  "B9.1 what is braked is not planned": (seen, made) => {
    const kinds = made.steps.map((step) => step.kind);
    if (seen.stopped.has("create")) assert.equal(made.creates, 0);
    if (seen.stopped.has("delete")) assert.ok(!kinds.includes("delete"));
    if (seen.stopped.has("loadBalancer")) assert.ok(!kinds.includes("changeMembers"));
  },
  "B5.2 only addresses of our own ledger are changed in load balancers": (seen, made) => {
    const ours = new Set(
      rowsAfter(seen, made).flatMap((row) => [
        ...(row.address ? [row.address.host] : []),
        ...row.memberships.map((one) => one.host),
        ...(seen.rows.find((one) => one.id === row.id)?.memberships ?? []).map((one) => one.host),
      ]),
    );
    for (const step of made.steps)
      if (step.kind === "changeMembers")
        for (const { host } of step.changes) assert.ok(ours.has(host), host);
  },
  "B4.11 whatever is on its way has somebody looking": (_seen, made) => {
    if (made.rows.some((row) => isCounted(row) && row.state !== "inService"))
      assert.ok(made.wakeAtMs !== undefined);
  },
  "B4.9 conditions are few, each once, with few causes": (_seen, { doc }) => {
    const types = doc.conditions.map((one) => one.type);
    assert.equal(new Set(types).size, types.length);
    for (const { causes } of doc.conditions) assert.ok(causes.length <= 5);
  },
  "checkPlan accepts it": (seen, made) => checkPlan(seen, made),
  "M8.1 the same sight gives the same plan, and the sight is left as it was": (seen, made) => {
    assert.deepEqual(plan(structuredClone(seen)), made);
  },
};

for (const [name, holds] of Object.entries(promises))
  test(name, () => {
    fc.assert(
      fc.property(observations(), (seen) => holds(seen, plan(seen))),
      runs,
    );
  });

test("B4.1 the plan of an achieved plan is empty: every placement comes to rest", () => {
  const roundsMax = 60;
  const restMs = 2 * 3_600_000;
  fc.assert(
    fc.property(observations({ rowsMax: 6 }), (start) => {
      const world = createPerfectWorld(start);
      let atRest = 0;
      for (let round = 0; round < roundsMax && atRest < 3; round++) {
        const { seen, plan: made } = world.turn(limits, atRest > 0 ? restMs : 30_000);
        checkPlan(seen, made);
        if (isHeld(made)) return;
        atRest = isEmptyPlan(made, seen) ? atRest + 1 : 0;
      }
      assert.equal(atRest, 3, `still ${JSON.stringify(plan(world.seen))}`);
    }),
    { numRuns: 1_000 },
  );
});

/** Held until a person looks (B9.2, B9.7): that is a rest of its own. */
function isHeld({ doc }: Plan): boolean {
  return doc.hold !== undefined;
}

test("B4.1 at rest, a placement that nothing stops has its target in service", () => {
  let converged = 0;
  fc.assert(
    fc.property(observations({ rowsMax: 6 }), (start) => {
      const { paused: _paused, backoff: _backoff, ...doc } = start.doc;
      const rows = start.rows.map((row) => ({ ...row, protected: false }));
      const spec = start.spec && { ...start.spec, attachments: [] };
      const { cloud } = start;
      fc.pre(cloud.kind === "listed");
      const servers = cloud.servers.map((one) => ({ ...one, status: "ACTIVE" }));
      const world = createPerfectWorld({
        ...start,
        ...{ doc, rows, spec, stopped: new Map() },
        cloud: { ...cloud, servers, lookedUp: new Map() },
      });
      for (let round = 0; round < 40; round++) if (isHeld(world.turn(limits, 30_000).plan)) return;
      const inService = world.seen.rows.filter((row) => row.state === "inService").length;
      assert.equal(inService, targetOf(world.seen));
      assert.ok(world.seen.doc.conditions.some((one) => one.type === "converged" && one.holds));
      converged++;
    }),
    { numRuns: 300 },
  );
  assert.ok(converged > 100);
});
