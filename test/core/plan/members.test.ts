import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { cause } from "../../../src/core/model/cause.js";
import type { LoadBalancerId } from "../../../src/core/model/ids.js";
import type { MemberStep } from "../../../src/core/model/observation.js";
import type { Plan } from "../../../src/core/model/plan.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import {
  attached,
  attachmentOf,
  conditionOf,
  isEmptyPlan,
  lb,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  specOf,
  statesOf,
  t0,
  viewOf,
  waitsOf,
} from "./fixtures.js";

const plan = (...given: Parameters<typeof seenOf>) => planPlacement(seenOf(...given), limits);

/** `put|drain|remove host:port*weight`, of the one load balancer. */
function changesOf({ steps }: Plan): readonly string[] {
  return steps.flatMap((step) =>
    step.kind === "changeMembers" ? step.changes.map(sayChange) : [],
  );
}

function sayChange({ kind, draining, host, port, weight }: MemberStep): string {
  const word = kind === "put" && draining ? "drain" : kind;
  return `${word} ${host}:${port}${kind === "put" ? `*${weight}` : ""}`;
}

const member = (state: "member" | "draining" | "removing" = "member", id = "1") => ({
  memberships: [membershipOf(id, { state })],
});

describe("B5.2 joining", () => {
  test("an active server is put on record, then added, then in service once healthy", () => {
    const first = plan([rowOf("1", "launching")], attached([]));
    assert.deepEqual(changesOf(first), ["put 10.0.0.1:80*10"]);
    assert.equal(first.rows[0]?.memberships[0]?.state, "adding");
    assert.equal(first.rows[0]?.state, "launching");
    assert.equal(first.wakeAtMs, t0 + limits.pollMs);

    const unknown = plan(first.rows, attached([memberOf("1", { health: "unknown" })]));
    assert.deepEqual(changesOf(unknown), []);
    assert.deepEqual(statesOf(unknown), ["1:launching"]);
    const healthy = plan(unknown.rows, attached([memberOf("1")]));
    assert.deepEqual(statesOf(healthy), ["1:inService"]);
    const again = seenOf(healthy.rows, { ...attached([memberOf("1")]), doc: healthy.doc });
    assert.ok(isEmptyPlan(planPlacement(again, limits), again));
  });

  test("health counts only where load balancers check it", () => {
    const seen = attached([memberOf("1", { health: "unknown" })]);
    const row = rowOf("1", "launching", member());
    assert.deepEqual(statesOf(plan([row], seen)), []);
    const trusting = planPlacement(seenOf([row], seen), { ...limits, checksHealth: false });
    assert.deepEqual(statesOf(trusting), ["1:inService"]);
  });

  test("all attachments must be joined", () => {
    const other = "lb-2" as LoadBalancerId;
    const spec = specOf({ attachments: [attachmentOf(), attachmentOf({ loadBalancer: other })] });
    const balancers = new Map([
      [lb, viewOf([memberOf("1")])],
      [other, viewOf([])],
    ]);
    const half = plan([rowOf("1", "launching", member())], { spec, balancers });
    assert.deepEqual(changesOf(half), ["put 10.0.0.1:80*10"]);
    assert.equal(half.rows[0]?.state, "launching");
  });

  test("a running server is converged too: missing, wrong weight, draining by another's hand", () => {
    const row = rowOf("1", "inService", member());
    for (const members of [[], [memberOf("1", { weight: 3 })], [memberOf("1", { draining: true })]])
      assert.deepEqual(changesOf(plan([row], attached(members))), ["put 10.0.0.1:80*10"]);
    const ill = plan([row], attached([memberOf("1", { health: "unhealthy" })]));
    assert.deepEqual([changesOf(ill), statesOf(ill)], [[], []]);
  });

  test("port 0 means the port that the cloud reports; without one it waits and says so", () => {
    const seen = attached([], { port: 0 });
    const waits = plan([rowOf("1", "launching")], seen);
    assert.deepEqual([changesOf(waits), waitsOf(waits)], [[], ["ADDRESS_UNKNOWN"]]);
    assert.equal(waits.wakeAtMs, t0 + limits.pollMs);
    const row = rowOf("1", "launching", { address: { host: "10.0.0.1", port: 31_000 } });
    const listed = [serverOf("1", { address: { host: "10.0.0.1", port: 31_000 } })];
    assert.deepEqual(changesOf(plan([row], { ...seen, listed })), ["put 10.0.0.1:31000*10"]);
  });

  test("B5.1 an attachment that the group dropped is left by running servers", () => {
    const { balancers } = attached([memberOf("1")]);
    const dropped = plan([rowOf("1", "inService", member())], { balancers });
    assert.deepEqual(changesOf(dropped), ["remove 10.0.0.1:80"]);
    assert.equal(dropped.rows[0]?.memberships[0]?.state, "removing");
    const gone = plan(dropped.rows, { balancers: attached([]).balancers });
    assert.deepEqual(gone.rows[0]?.memberships, []);
  });

  test("members that the service did not make are never touched", () => {
    const foreign = [memberOf("77"), memberOf("78", { draining: true, weight: 1 })];
    const rows = [rowOf("1", "inService", member()), rowOf("2", "deleting")];
    const seen = attached([memberOf("1"), ...foreign]);
    assert.deepEqual(changesOf(plan(rows, { ...seen, target: 1 })), []);
    assert.deepEqual(changesOf(plan(rows, { ...seen, target: 0 })), ["drain 10.0.0.1:80*10"]);
  });
});

describe("B5.3 draining", () => {
  const draining = (change = {}) =>
    rowOf("1", "draining", { ...member("draining"), drainingSinceMs: t0, ...change });
  const there = (connections: number | undefined) => {
    const { connections: _told, ...rest } = memberOf("1", { draining: true });
    return attached([connections === undefined ? rest : { ...rest, connections }]);
  };

  test("starts when the server is chosen, and is kept in the ledger", () => {
    const chosen = plan([rowOf("1", "inService", member())], {
      ...attached([memberOf("1")]),
      target: 0,
    });
    assert.deepEqual(changesOf(chosen), ["drain 10.0.0.1:80*10"]);
    assert.equal(chosen.rows[0]?.drainingSinceMs, t0);
    assert.equal(chosen.rows[0]?.memberships[0]?.state, "draining");
  });

  test("waits while connections are open, until its timeout", () => {
    const open = { ...there(2), target: 0 };
    const waits = plan([draining()], { ...open, nowMs: t0 + 59_999 });
    assert.deepEqual([changesOf(waits), statesOf(waits)], [[], []]);
    assert.equal(waits.wakeAtMs, t0 + 60_000);
    const over = plan([draining()], { ...open, nowMs: t0 + 60_000 });
    assert.deepEqual(changesOf(over), ["remove 10.0.0.1:80"]);
    assert.equal(over.rows[0]?.state, "draining", "until the member is gone");
  });

  test("ends early at zero connections, where they are told", () => {
    const idle = plan([draining()], { ...there(0), target: 0, nowMs: t0 + 5_000 });
    assert.deepEqual(changesOf(idle), ["remove 10.0.0.1:80"]);
    const untold = plan([draining()], { ...there(undefined), target: 0, nowMs: t0 + 5_000 });
    assert.deepEqual(changesOf(untold), []);
  });

  test("an idle member that still takes new connections is told to drain first", () => {
    const idle = attached([memberOf("1", { connections: 0 })]);
    const told = plan([draining()], { ...idle, target: 0, nowMs: t0 + 5_000 });
    assert.deepEqual(changesOf(told), ["drain 10.0.0.1:80*10"]);
  });

  test("timeout 0 removes at once", () => {
    const row = draining();
    const seen = attached([memberOf("1")], { drainTimeoutMs: 0 });
    assert.deepEqual(changesOf(plan([row], { ...seen, target: 0 })), ["remove 10.0.0.1:80"]);
  });

  test("the server is deleted only once it is no member any more", () => {
    const left = plan([draining(member("removing"))], { ...attached([]), target: 0 });
    assert.deepEqual(statesOf(left), ["1:deleting"]);
    assert.deepEqual(left.steps, [{ kind: "delete", server: "1", cloudId: "cloud-1" }]);
  });

  test("a member that cannot be removed delays the delete by minutes, not for ever", () => {
    const stuck = (nowMs: number) =>
      plan([draining(member("removing"))], { ...there(2), target: 0, nowMs });
    const waits = stuck(t0 + 60_000 + 299_999);
    assert.deepEqual([changesOf(waits), statesOf(waits)], [["remove 10.0.0.1:80"], []]);
    assert.deepEqual(statesOf(stuck(t0 + 60_000 + 300_000)), ["1:deleting"]);
    const deleting = rowOf("1", "deleting", { ...member("removing"), deletingSinceMs: t0 });
    const at = (nowMs: number) =>
      plan([deleting], { ...attached([memberOf("1")]), target: 0, nowMs }).steps.map(
        (step) => step.kind,
      );
    assert.deepEqual(at(t0 + 299_999), ["changeMembers"]);
    assert.deepEqual(at(t0 + 300_000), ["changeMembers", "delete"]);
  });

  test("demand that comes back takes it back into service", () => {
    const back = plan([draining()], { ...there(2), target: 1 });
    assert.deepEqual(statesOf(back), ["1:inService"]);
    assert.deepEqual(changesOf(back), ["put 10.0.0.1:80*10"]);
    assert.equal(back.creates, 0);
  });
});

describe("B5.2 addresses get reused", () => {
  test("a member is not removed when another server of ours has its address now", () => {
    const dead = rowOf("1", "deleting", member());
    const heir = rowOf("2", "launching", { address: { host: "10.0.0.1", port: 0 } });
    const listed = [serverOf("2", { address: { host: "10.0.0.1", port: 0 } })];
    const seen = plan([dead, heir], { ...attached([memberOf("1")]), listed, target: 1 });
    assert.deepEqual(changesOf(seen), []);
    const rows = new Map(seen.rows.map((row) => [row.id as string, row]));
    assert.deepEqual(rows.get("1")?.memberships, []);
    assert.equal(rows.get("2")?.state, "inService");
  });
});

describe("B5.5 a load balancer that is gone or away", () => {
  test("gone: servers stay, the condition says so, scaling in still works", () => {
    const rows = [
      rowOf("1", "inService", member()),
      rowOf("2", "inService", member("member", "2")),
    ];
    const stays = plan(rows, attached("gone"));
    assert.ok(rows.every((row) => !statesOf(stays).includes(`${row.id}:deleting`)));
    assert.equal(conditionOf(stays, "degraded")?.holds, true);
    assert.deepEqual(waitsOf(stays), ["LOAD_BALANCER_GONE"]);
    assert.deepEqual(changesOf(stays), []);
    const fewer = plan(rows, { ...attached("gone"), target: 1 });
    assert.deepEqual(
      fewer.steps.map((step) => step.kind),
      ["delete"],
    );
  });

  test("away: nothing is changed blindly, and it is looked at again", () => {
    const away = plan([rowOf("1", "inService", member())], attached("unavailable"));
    assert.deepEqual([away.steps, away.wakeAtMs], [[], t0 + limits.pollMs]);
    const drain = rowOf("1", "draining", { ...member("draining"), drainingSinceMs: t0 });
    const waits = plan([drain], { ...attached("unavailable"), target: 0 });
    assert.deepEqual([waits.steps, statesOf(waits)], [[], []]);
  });

  test("B9.1 braked: members are not changed, and the brake shows", () => {
    const brake = cause("B9.1", "BRAKED", { operation: "loadBalancer", reason: "storm" });
    const stopped = new Map([["loadBalancer", brake]] as const);
    const joins = plan([rowOf("1", "launching")], { ...attached([]), stopped });
    assert.deepEqual([changesOf(joins), waitsOf(joins)], [[], ["BRAKED"]]);
    assert.ok(joins.wakeAtMs !== undefined);
    const drain = rowOf("1", "draining", { ...member(), drainingSinceMs: 0 });
    const leaves = plan([drain], { ...attached([memberOf("1")]), stopped, target: 0 });
    assert.deepEqual(changesOf(leaves), []);
  });
});

describe("B4.11 B5.4 a load balancer that refuses", () => {
  const hour = 3_600_000;
  const refused = (kind: "badRequest" | "quota" | "denied") => ({
    ...attached([]),
    refused: new Map([[lb, { kind, fault: "no" }]]),
  });
  const adding = (agoMs: number) => [
    rowOf("1", "launching", {
      memberships: [membershipOf("1", { state: "adding", changedAtMs: t0 - agoMs })],
    }),
  ];

  test("is told for as long as there is something to change, of whomever", () => {
    const waits = plan(adding(1_000), refused("quota"));
    assert.deepEqual(waitsOf(waits), ["LOAD_BALANCER_REFUSED"]);
    assert.equal(conditionOf(waits, "degraded")?.holds, true);
    const serves = plan([rowOf("1", "inService", member())], refused("denied"));
    assert.deepEqual(waitsOf(serves), ["LOAD_BALANCER_REFUSED"]);
    assert.equal(serves.rows.filter((row) => row.leaving).length, 0);
    const settled = { ...refused("quota"), ...attached([memberOf("1")]) };
    assert.deepEqual(waitsOf(plan([rowOf("1", "inService", member())], settled)), []);
  });

  test("whom it does not take is given up after the build timeout; if denied, none is", () => {
    for (const kind of ["quota", "badRequest"] as const) {
      assert.deepEqual(statesOf(plan(adding(hour - 1), refused(kind))), []);
      const late = plan(adding(hour), refused(kind));
      assert.deepEqual(late.rows[0]?.leaving?.code, "BUILD_TIMEOUT");
      assert.match(late.doc.backoff?.reason ?? "", /not taken by load balancer/);
    }
    assert.deepEqual(statesOf(plan(adding(hour), refused("denied"))), []);
  });

  test("what is no member after minutes says so, whatever keeps it from being one", () => {
    assert.deepEqual(waitsOf(plan(adding(299_999), attached([]))), []);
    const long = plan(adding(300_000), attached([]));
    assert.deepEqual(waitsOf(long), ["LAUNCH_WAITS"]);
    assert.deepEqual(statesOf(long), []);
  });

  test("the build timeout begins anew with a member that could only be added now", () => {
    const sick = attached([memberOf("1", { health: "unhealthy" })]);
    const since = (agoMs: number) => [
      rowOf("1", "launching", {
        sinceMs: t0 - 2 * hour,
        memberships: [membershipOf("1", { changedAtMs: t0 - agoMs })],
      }),
    ];
    assert.deepEqual(statesOf(plan(since(60_000), sick)), []);
    assert.deepEqual(statesOf(plan(since(hour), sick)), ["1:draining"]);
  });
});
