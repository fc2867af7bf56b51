import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EventId } from "../../../src/core/model/ids.js";
import type { Observation } from "../../../src/core/model/observation.js";
import type { Plan } from "../../../src/core/model/plan.js";
import { type Amount, type RebuildMark, roomOf } from "../../../src/core/model/rebuild.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import { checkPlan } from "../../../src/core/plan/check-plan.js";
import { isCounted } from "../../../src/core/plan/lifecycle.js";
import { groupOf, limits, rowOf, seenOf, serverOf, t0, tagsOf } from "./fixtures.js";
import { createPerfectWorld } from "./perfect-world.js";

const amounts: fc.Arbitrary<Amount> = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((servers) => ({ kind: "servers", servers }) as const),
  fc.integer({ min: 0, max: 100 }).map((percent) => ({ kind: "percent", percent }) as const),
);

const lives = fc.record({
  revisions: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 9 }),
  protectedEvery: fc.integer({ min: 2, max: 12 }),
  targets: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }),
  surge: amounts,
  unavailable: amounts,
  checkpoints: fc.subarray([10, 30, 50, 90]),
  proven: fc.constantFrom(undefined, 1),
  warmUpMs: fc.constantFrom(0, 10_000),
  ill: fc.array(fc.nat({ max: 9 }), { maxLength: 2 }),
});
type Life = typeof lives extends fc.Arbitrary<infer One> ? One : never;

const launch = groupOf().launch;

function begin(life: Life): Observation {
  const { surge, unavailable, checkpoints, proven, warmUpMs } = life;
  const rows = life.revisions.map((launchRevision, index) =>
    rowOf(`${index + 1}`, "inService", {
      launchRevision,
      protected: (index + 1) % life.protectedEvery === 0,
    }),
  );
  const rebuild: RebuildMark = {
    ...{ id: "order", principal: "ops", by: "event" as EventId, phase: "rolling" },
    ...{ sinceMs: t0, startedAtMs: t0, revision: 2, batch: 0, goal: 0, passed: 0, failures: 0 },
    ...(proven === undefined ? {} : { fromRevision: proven }),
    options: {
      ...{ surge, unavailable, pauseMs: 0, checkpoints, checkpointWaitMs: 5_000 },
      ...{ stopAfter: 3, rollBack: false },
    },
  };
  return seenOf(rows, {
    target: life.targets[0]!,
    doc: { rebuild, ...(proven === undefined ? {} : { provenRevision: proven }) },
    group: groupOf({ launchRevision: 2, launches: [{ revision: 1, launch }], warmUpMs }),
    listed: rows.map(({ id, launchRevision }) =>
      serverOf(id, { ownership: tagsOf(id, { launchRevision }) }),
    ),
  });
}

const after = (seen: Observation, plan: Plan): readonly ServerRow[] => {
  const changed = new Map(plan.rows.map((row) => [row.id, row]));
  return seen.rows.map((row) => changed.get(row.id) ?? row);
};

/** Of the cloud's servers, which are ACTIVE. */
function activeIn({ cloud }: Observation): ReadonlySet<string | undefined> {
  const servers = cloud.kind === "listed" ? cloud.servers : [];
  return new Set(servers.filter(({ status }) => status === "ACTIVE").map(({ id }) => id));
}

function assertKept(seen: Observation, plan: Plan): void {
  checkPlan(seen, plan);
  const { target, rebuild } = seen.doc;
  const room = roomOf(rebuild!.options, target);
  const rows = after(seen, plan);
  const counted = rows.filter(isCounted).length;
  if (plan.creates > 0) assert.ok(counted + plan.creates <= target + room.surge, "too many");
  const active = activeIn(seen);
  const serves = (row: ServerRow) => row.state === "inService" && active.has(row.cloudId);
  const was = new Map(seen.rows.map((row) => [row.id, row]));
  const taken = rows.filter(
    (row) =>
      row.leaving?.code === "REBUILT" && !was.get(row.id)?.leaving && serves(was.get(row.id)!),
  );
  assert.ok(!taken.some((row) => row.protected), "a protected server was taken out");
  // What scaling in takes besides is its own business.
  const left = seen.rows.filter((row) => serves(row) && !taken.some(({ id }) => id === row.id));
  if (taken.length > 0) assert.ok(left.length >= target - room.unavailable, "too few serve");
}

/** Somebody in the cloud reboots servers; they come back by themselves a little later. */
function withIll(seen: Observation, ids: ReadonlySet<string>): Observation {
  if (seen.cloud.kind !== "listed") return seen;
  const servers = seen.cloud.servers.map((one) => ({
    ...one,
    status: ids.has(one.id) ? "REBOOT" : "ACTIVE",
  }));
  return { ...seen, cloud: { ...seen.cloud, servers, lookedUp: new Map() } };
}

test("B8.5 whatever happens, enough serve, not too many count, and it comes to its end", () => {
  fc.assert(
    fc.property(lives, (life) => {
      let world = createPerfectWorld(begin(life));
      for (let step = 0; step < 20 * life.targets.length; step++) {
        const target = life.targets[Math.floor(step / 20)]!;
        const ids = new Set(life.ill.map((nth) => `cloud-${(nth + step) % 9}`));
        const seen = withIll({ ...world.seen, doc: { ...world.seen.doc, target } }, ids);
        world = createPerfectWorld(seen);
        const turn = world.turn(limits, 1_000);
        assertKept(turn.seen, turn.plan);
      }
      world = createPerfectWorld(withIll(world.seen, new Set()));
      for (let step = 0; step < 300; step++) {
        const turn = world.turn(limits, 5_000);
        assertKept(turn.seen, turn.plan);
      }
      const { doc, rows } = world.seen;
      assert.equal(doc.rebuild?.phase, "completed");
      const outdated = rows.filter((row) => isCounted(row) && row.launchRevision < 2);
      assert.deepEqual(
        outdated.filter((row) => !row.protected),
        [],
      );
      const kept = rows.filter((row) => isCounted(row) && row.protected).length;
      assert.equal(rows.filter(isCounted).length, Math.max(doc.target, kept));
      const { plan } = world.turn(limits, 1_000);
      assert.deepEqual([plan.creates, plan.rows, plan.events, plan.doc], [0, [], [], doc]);
    }),
    { numRuns: 100 },
  );
});
