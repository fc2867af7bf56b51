import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cause, cause } from "../../../src/core/model/cause.js";
import type { EventId } from "../../../src/core/model/ids.js";
import { askedKey, type Observation } from "../../../src/core/model/observation.js";
import type { RebuildMark, RebuildOptions } from "../../../src/core/model/rebuild.js";
import type { CloudServer, ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  groupOf,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  t0,
  tagsOf,
} from "./fixtures.js";

const servers = (count: number) => ({ kind: "servers", servers: count }) as const;

function markOf(change: Partial<RebuildMark> & { options?: Partial<RebuildOptions> } = {}) {
  const { options, ...rest } = change as Partial<RebuildMark>;
  const mark: RebuildMark = {
    ...{ id: "order", principal: "ops", by: "event" as EventId, phase: "rolling" },
    ...{ sinceMs: t0, startedAtMs: t0, revision: 2, fromRevision: 1, batch: 1, goal: 1 },
    ...{ passed: 0, failures: 0 },
    ...rest,
    options: {
      ...{ surge: servers(1), unavailable: servers(0), pauseMs: 0, checkpoints: [] },
      ...{ stopAfter: 3, rollBack: false },
      ...options,
    },
  };
  return mark;
}

const group = groupOf({
  launchRevision: 2,
  launches: [{ revision: 1, launch: groupOf().launch }],
});
const old = (id: string, change: Partial<ServerRow> = {}) => rowOf(id, "inService", change);
const current = (id: string, change: Partial<ServerRow> = {}) =>
  rowOf(id, "inService", { launchRevision: 2, ...change });

/** Two servers are wanted, the first revision is proven, and the second is brought in. */
function plan(
  rows: readonly ServerRow[],
  rebuild: RebuildMark | undefined,
  change: Partial<Omit<Observation, "doc" | "cloud">> & {
    statuses?: Record<string, string>;
    busy?: Cause;
    max?: number;
  } = {},
) {
  const { statuses = {}, busy, max = 100, ...rest } = change;
  const listed = rows
    .filter(({ cloudId }) => cloudId)
    .map(({ id, launchRevision }): CloudServer => {
      const ownership = tagsOf(id, { launchRevision });
      return serverOf(id, { ownership, ...(statuses[id] ? { status: statuses[id] } : {}) });
    });
  const doc = { max, provenRevision: 1, ...(rebuild ? { rebuild } : {}) };
  const seen = seenOf(rows, { target: 2, doc, group, listed, ...rest });
  const made = planPlacement(seen, { ...limits, ...(busy ? { createsWait: busy } : {}) });
  const taken = made.rows.filter(({ leaving }) => leaving?.code === "REBUILT").map(({ id }) => id);
  const revisions = made.choices.map(({ revision }) => revision);
  return { taken: taken as string[], revisions, mark: made.doc.rebuild, doc: made.doc };
}

test("B8.5 an old server goes once its successor serves, and not before", () => {
  const fresh = rowOf("3", "building", { launchRevision: 2 });
  assert.deepEqual(plan([old("1"), old("2"), fresh], markOf()).taken, []);
  const { taken, mark, doc } = plan([old("1"), old("2"), current("3")], markOf());
  assert.deepEqual([taken, mark?.batch, doc.provenRevision], [["1"], 1, 1]);
  const next = plan([old("2"), current("3")], markOf());
  assert.deepEqual([next.mark?.batch, next.mark?.goal, next.doc.provenRevision], [2, 2, 2]);
  assert.deepEqual(next.revisions, [2], "with its first batch over, the revision is proven");
});

test("B8.5 a successor that the cloud does not show as ACTIVE stands in for nobody", () => {
  const rows = [old("1"), old("2"), current("3")];
  assert.deepEqual(plan(rows, markOf(), { statuses: { 3: "REBOOT" } }).taken, []);
});

test("B8.5 a successor that a load balancer has unhealthy stands in for nobody", () => {
  const member = (id: string) => ({ memberships: [membershipOf(id)] });
  const rows = [old("1", member("1")), old("2", member("2")), current("3", member("3"))];
  const [one, two] = [memberOf("1"), memberOf("2")];
  const ill = attached([one, two, memberOf("3", { health: "unhealthy" })]);
  assert.deepEqual(plan(rows, markOf(), ill).taken, []);
  assert.deepEqual(plan(rows, markOf(), attached([one, two, memberOf("3")])).taken, ["1"]);
});

test("B8.5 a successor has to serve for the group's warm-up first", () => {
  const rows = [old("1"), old("2"), current("3", { inServiceAtMs: t0 - 59_000 })];
  const warm = { group: { ...group, warmUpMs: 60_000 } };
  assert.deepEqual(plan(rows, markOf(), warm).taken, []);
  assert.deepEqual(plan(rows, markOf(), { ...warm, nowMs: t0 + 1_000 }).taken, ["1"]);
});

test("B8.5 B9.1 under a brake nobody is taken out, and none made beyond the target", () => {
  const rows = [old("1"), old("2"), current("3")];
  const braked = (operation: "create" | "delete") => ({
    stopped: new Map([[operation, cause("B9.1", "BRAKED")]]),
  });
  assert.deepEqual(plan(rows, markOf(), braked("create")).taken, []);
  assert.deepEqual(plan(rows.slice(0, 2), markOf(), braked("delete")).revisions, []);
});

test("B8.5 B9.4 a cloud that answers little, or not at all, gets its successor; nobody goes", () => {
  const slow = { busy: cause("B9.4", "CLOUD_BUSY", { inFlight: 2 }) };
  const open = { busy: cause("B9.4", "CLOUD_BUSY", { stoppedAtMs: t0 }) };
  const rows = [old("1"), old("2")];
  assert.deepEqual(plan(rows, markOf(), slow).revisions, [2]);
  assert.deepEqual(plan(rows, markOf(), open).revisions, [2], "one that is tried is the probe");
  assert.deepEqual(plan([...rows, current("3")], markOf(), slow).taken, ["1"]);
  assert.deepEqual(plan([...rows, current("3")], markOf(), open).taken, []);
});

test("B8.5 B9.5 in quarantine nobody is taken out", () => {
  const rows = [old("1"), old("2"), current("3")];
  const doubt = { why: "takeOver", isFresh: false } as const;
  assert.deepEqual(plan(rows, markOf(), { doubt }).taken, []);
});

test("B8.5 B4.4 who is protected stays", () => {
  const rows = [old("1", { protected: true }), old("2"), current("3")];
  assert.deepEqual(plan(rows, markOf()).taken, ["2"]);
});

test("B8.5 B2.6 what is unproven is not scaled out with, and what has failed is stopped", () => {
  assert.deepEqual(plan([old("1")], undefined).revisions, [1]);
  const bad = rowOf("3", "building", { launchRevision: 2 });
  const failing = plan([old("1"), old("2"), bad], markOf({ failures: 2 }), {
    statuses: { 3: "ERROR" },
  });
  assert.deepEqual([failing.mark?.phase, failing.mark?.failures], ["stopped", 3]);
  const back = plan(
    [old("1"), current("4"), bad],
    markOf({ failures: 2, options: { rollBack: true } as never }),
    {
      statuses: { 3: "ERROR" },
    },
  );
  assert.deepEqual([back.mark?.phase, back.doc.provenRevision], ["rollingBack", 1]);
});

test("B8.5 a checkpoint that is reached is waited at", () => {
  const options = { checkpoints: [50] } as never;
  const { mark, revisions } = plan([old("1"), current("3")], markOf({ options }));
  assert.deepEqual([mark?.phase, mark?.passed, revisions], ["waiting", 1, []]);
});

test("B8.5 what a plan proves is what its own servers are made as", () => {
  const seen = seenOf([old("1")], { target: 2, group, listed: [serverOf("1")] });
  const made = planPlacement(seen, limits);
  checkPlan(seen, made);
  assert.deepEqual(
    made.choices.map(({ revision }) => revision),
    [1],
  );
  assert.equal(made.doc.provenRevision, 1);
});

test("B9.3 a rebuild at max has its surge beside, and asks an old server to go before the next", () => {
  const max = 2;
  assert.deepEqual(plan([old("1"), old("2")], markOf(), { max }).revisions, [2]);
  const gone = rowOf("1", "deleting", { deletingSinceMs: t0, leaving: cause("B8.5", "REBUILT") });
  const rows = [gone, old("2"), current("3")];
  assert.deepEqual(plan(rows, markOf({ goal: 2 }), { max }).revisions, []);
  const underWay = new Map([[askedKey(gone.id), "running" as const]]);
  assert.deepEqual(plan(rows, markOf({ goal: 2 }), { max, underWay }).revisions, [2]);
});
