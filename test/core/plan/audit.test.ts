import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cause } from "../../../src/core/model/cause.js";
import type { CloudServerId } from "../../../src/core/model/ids.js";
import type { Observation } from "../../../src/core/model/observation.js";
import type { OrphanRow } from "../../../src/core/model/orphan.js";
import { auditPlacement, notSeen } from "../../../src/core/plan/audit/audit-placement.js";
import type { AuditSight } from "../../../src/core/plan/audit/findings.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { observations } from "./arbitraries.js";
import {
  attached,
  attachmentOf,
  groupOf,
  isEmptyPlan,
  key,
  limits,
  memberOf,
  membershipOf,
  rowOf,
  seenOf,
  serverOf,
  specOf,
  t0,
  tagsOf,
} from "./fixtures.js";
import { createPerfectWorld } from "./perfect-world.js";

const hour = 3_600_000;

/** The audit's view of what a plan is made from. */
function sightOf({ spec, ...seen }: Observation): AuditSight {
  const { listingLagMs } = limits;
  const group = { ...seen.group, updatedAtMs: t0 - hour, placements: spec ? [spec] : [] };
  return { ...seen, group, key, listingLagMs };
}

/** `kind action CODE`, and what is to be looked up. */
function told(seen: Observation, change: Partial<AuditSight> = {}) {
  const { differences, lookUps } = auditPlacement({ ...sightOf(seen), ...change });
  return [
    ...differences.map(({ kind, action, cause: why }) => `${kind} ${action} ${why.code}`),
    ...lookUps.map((id) => `lookUp ${id}`),
  ];
}

const one = rowOf("1", "inService");
const orphanOf = (id: string, change: Partial<OrphanRow> = {}) => {
  const cloudId = `cloud-${id}` as CloudServerId;
  const row = { cloudId, name: "x", firstSeenAtMs: t0 - 1, claims: id, why: "unknownIntention" };
  return new Map([[cloudId, { ...row, ...change } as OrphanRow]]);
};

const member = rowOf("1", "inService", { memberships: [membershipOf("1")] });
/** It got the address of server 1. */
const heir = rowOf("2", "inService", {
  ...{ address: { host: "10.0.0.1", port: 0 }, memberships: [membershipOf("1")] },
});
const leaver = rowOf("1", "deleting", {
  ...{ memberships: [membershipOf("1", { state: "removing" })], deletingSinceMs: t0 - 400_000 },
});

/** Every kind of difference, and what is on its way and therefore none. */
const cases: Readonly<Record<string, readonly [Observation, ...(readonly string[])]>> = {
  "B4.1 three sides that agree": [seenOf([member], attached([memberOf("1"), memberOf("99")]))],
  "B4.3 what the listing lacks is looked up first": [
    seenOf([one], { listed: [] }),
    ...["missingInCloud lookUp NOT_LISTED", "lookUp cloud-1"],
  ],
  "B4.3 what the cloud denies is replaced": [
    seenOf([one], { listed: [], lookedUp: [["cloud-1", "gone"]] }),
    "missingInCloud replace CLOUD_GONE",
  ],
  "B4.3 what was leaving and is denied is only noted": [
    seenOf([rowOf("1", "draining")], { listed: [], lookedUp: [["cloud-1", "gone"]] }),
    "missingInCloud note CLOUD_GONE",
  ],
  "B4.3 what could not be looked up is looked up again": [
    seenOf([one], { listed: [], lookedUp: [["cloud-1", "unknown"]] }),
    "missingInCloud lookUp NOT_LISTED",
  ],
  "B4.3 a server too young for the listing": [
    seenOf([rowOf("1", "building", { sinceMs: t0 - 1_000 })], { listed: [] }),
  ],
  "B9.2 while a hold stands nobody is replaced": [
    seenOf([one], {
      ...{ listed: [], lookedUp: [["cloud-1", "gone"]] },
      doc: { hold: { sinceMs: t0 - 5, askedAtMs: t0 - 5 } },
    }),
    ...["held forPerson UNHEALTHY_BRAKE", "missingInCloud forPerson CLOUD_GONE"],
  ],
  "B9.6 a stranger is looked up before it is reported": [
    seenOf([one], { listed: [serverOf("1"), serverOf("7")] }),
    ...["notInLedger lookUp FOREIGN", "lookUp cloud-7"],
  ],
  "B9.6 a stranger that the cloud denies is the listing's lag": [
    seenOf([one], { listed: [serverOf("1"), serverOf("7")], lookedUp: [["cloud-7", "gone"]] }),
  ],
  "B9.6 a reported stranger waits for a person": [
    seenOf([one], { listed: [serverOf("1"), serverOf("7")], orphans: orphanOf("7") }),
    "notInLedger forPerson FOREIGN",
  ],
  "B9.6 a person's order to delete it": [
    seenOf([one], {
      listed: [serverOf("1"), serverOf("7")],
      orphans: orphanOf("7", { deleteOrder: { principal: "ann", atMs: t0 } }),
    }),
    "notInLedger delete FOREIGN",
  ],
  "B9.6 copied tags": [
    seenOf([one], {
      listed: [serverOf("1"), serverOf("2", { ownership: tagsOf("1") })],
      lookedUp: [["cloud-2", serverOf("2")]],
    }),
    "twoServers forPerson FOREIGN",
  ],
  "M3.2 lost tags": [
    seenOf([one], { listed: [serverOf("1", { ownership: tagsOf("2") })] }),
    "tagsLost putRight TAGS_LOST",
  ],
  "B9.5 tags of somebody else": [
    seenOf([one], {
      ...{
        listed: [],
        lookedUp: [["cloud-1", serverOf("1", { ownership: tagsOf("1", { group: "db" }) })]],
      },
    }),
    "tagsForeign forPerson TAGS_FOREIGN",
  ],
  "B4.5 an intention whose call may still be under way": [
    seenOf([rowOf("1", "intended", { attempt: { id: "x", callDeadlineMs: t0 + 1 } })]),
  ],
  "B4.5 an intention whose call had its time": [
    seenOf([rowOf("1", "intended")]),
    "intentionOpen lookUp ANSWER_LOST",
  ],
  "B4.5 an unconfirmed one waits for its deadline": [
    seenOf([rowOf("1", "unconfirmed", { attempt: { id: "x", callDeadlineMs: t0 + 1 } })]),
    "intentionOpen waitUntil ANSWER_LOST",
  ],
  "B4.5 an unconfirmed one whose server is there": [
    seenOf([rowOf("1", "unconfirmed")], { listed: [serverOf("1")] }),
    "intentionOpen bind ANSWER_LOST",
  ],
  "B4.5 an abandoned one whose server is there": [
    seenOf([rowOf("1", "abandoned")], { listed: [serverOf("1")] }),
    "intentionOpen delete LATE_SURPLUS",
  ],
  "B4.5 an abandoned one is kept for days": [seenOf([rowOf("1", "abandoned")])],
  "B4.5 an abandoned one that is not forgotten in time": [
    seenOf([rowOf("1", "abandoned", { sinceMs: t0 - 100 * hour })]),
    "intentionOpen note ABANDONED",
  ],
  "B4.2 a build within its time": [
    seenOf([rowOf("1", "building", { sinceMs: t0 - hour + 1 })], {
      listed: [serverOf("1", { status: "BUILD" })],
    }),
  ],
  "B4.2 a build that takes too long": [
    seenOf([rowOf("1", "building")], { listed: [serverOf("1", { status: "BUILD" })] }),
    "buildOverdue replace BUILD_TIMEOUT",
  ],
  "B4.2 a build that is rebooted late: that wait has its own bound": [
    seenOf([rowOf("1", "building")], { listed: [serverOf("1", { status: "REBOOT" })] }),
  ],
  "B4.11 a launch that takes too long": [
    seenOf([rowOf("1", "launching")]),
    "buildOverdue attach LAUNCH_WAITS",
  ],
  "B4.2 a reboot that does not end": [
    seenOf([rowOf("1", "inService", { cloudStatus: "REBOOT" })], {
      listed: [serverOf("1", { status: "REBOOT" })],
    }),
    "waitOverdue forPerson WAIT_EXPIRED",
  ],
  "B4.2 a reboot that has only just begun": [
    seenOf([one], { listed: [serverOf("1", { status: "REBOOT" })] }),
  ],
  "B4.10 a delete without an answer": [
    seenOf([rowOf("1", "deleting")]),
    "deleteOverdue delete DELETE_AGED",
  ],
  "B4.10 a delete within its time": [
    seenOf([rowOf("1", "deleting", { deletingSinceMs: t0 - 60_000 })]),
  ],
  "B9.5 a delete that a quarantine holds": [
    seenOf([rowOf("1", "deleting")], { doc: { quarantine: { sinceMs: t0, reason: "restored" } } }),
    ...["quarantined forPerson QUARANTINE", "deleteOverdue forPerson DELETE_AGED"],
  ],
  "B4.2 a server in ERROR": [
    seenOf([one], { listed: [serverOf("1", { status: "ERROR" })] }),
    "ill replace CLOUD_ERROR",
  ],
  "B9.2 a host that is down": [
    seenOf([one], { listed: [serverOf("1", { hostStatus: "DOWN" })] }),
    "ill replace HOST_DOWN",
  ],
  "B4.2 a stopped server has its grace": [
    seenOf([one], { listed: [serverOf("1", { status: "SHUTOFF" })] }),
    "ill waitUntil STOPPED",
  ],
  "B4.2 stopped servers that are kept": [
    seenOf([one], {
      listed: [serverOf("1", { status: "SHUTOFF" })],
      group: groupOf({ stoppedServers: "keep" }),
    }),
    "leftAlone nothing STOPPED",
  ],
  "B4.2 somebody's doing": [
    seenOf([one], { listed: [serverOf("1", { status: "RESCUE" })] }),
    "leftAlone nothing LEFT_ALONE",
  ],
  "B4.2 a word never heard of": [
    seenOf([one], { listed: [serverOf("1", { status: "DREAMING" })] }),
    "statusUnheardOf nothing STATUS_UNHEARD_OF",
  ],
  "B5.2 a member that is not there": [
    seenOf([member], attached([])),
    "memberMissing attach MEMBER_MISSING",
  ],
  "B5.2 a member that was asked for just now": [
    seenOf(
      [
        rowOf("1", "inService", {
          memberships: [membershipOf("1", { state: "adding", changedAtMs: t0 - 1_000 })],
        }),
      ],
      attached([]),
    ),
  ],
  "B5.2 an address that nobody knows": [
    seenOf([one], attached([], { port: 0 })),
    "memberMissing lookUp ADDRESS_UNKNOWN",
  ],
  "B5.2 another weight": [
    seenOf([member], attached([memberOf("1", { weight: 3 })])),
    "memberWrong putRight MEMBER_WRONG",
  ],
  "B5.3 draining though in service": [
    seenOf([member], attached([memberOf("1", { draining: true })])),
    "memberWrong putRight MEMBER_WRONG",
  ],
  "B5.3 taking connections though it drains": [
    seenOf(
      [rowOf("1", "draining", { ...member, state: "draining", drainingSinceMs: t0 - 61_000 })],
      attached([memberOf("1")], { drainTimeoutMs: hour }),
    ),
    "memberWrong putRight MEMBER_WRONG",
  ],
  "B5.3 a member that drains": [
    seenOf(
      [rowOf("1", "draining", { ...member, state: "draining", drainingSinceMs: t0 - 61_000 })],
      attached([memberOf("1", { draining: true })], { drainTimeoutMs: hour }),
    ),
  ],
  "B5.3 a member that stays behind": [
    seenOf([leaver], attached([memberOf("1")])),
    "memberLeftOver detach MEMBER_LEFT_OVER",
  ],
  "B5.2 an address that is another server's by now": [
    seenOf([leaver, heir], {
      ...attached([memberOf("1")]),
      listed: [serverOf("1"), serverOf("2")],
    }),
  ],
  "B5.2 an address that the cloud gave to a server of another group": [
    seenOf([leaver], {
      ...attached([memberOf("1")]),
      cloud: {
        ...{ kind: "listed", askedAtMs: t0, servers: [serverOf("1")], lookedUp: new Map() },
        byAddress: new Map([["10.0.0.1", ["cloud-1", "cloud-of-db"] as CloudServerId[]]]),
      },
    }),
  ],
  "B4.5 of two servers of one intention the older is taken, the other is a copy": [
    seenOf([rowOf("1", "unconfirmed")], {
      listed: [
        serverOf("1", { createdAtMs: t0 - hour + 1 }),
        serverOf("2", { ownership: tagsOf("1"), createdAtMs: t0 }),
      ],
      orphans: orphanOf("2"),
    }),
    ...["intentionOpen bind ANSWER_LOST", "twoServers forPerson FOREIGN"],
  ],
  "B9.5 a delete of a server that carries somebody else's tags": [
    seenOf([rowOf("1", "deleting", { tags: "foreign" })], { listed: [] }),
    "deleteOverdue forPerson DELETE_AGED",
  ],
  "B5.5 a load balancer that is gone": [
    seenOf([member], attached("gone")),
    "loadBalancerGone forPerson LOAD_BALANCER_GONE",
  ],
  "B4.3 a load balancer that does not answer": [
    seenOf([member], attached("unavailable")),
    "notSeen lookUp LISTING_PARTIAL",
  ],
  "B4.3 a cloud that does not answer says nothing of servers": [
    seenOf([one], { cloud: { kind: "unavailable", cause: cause("B4.3", "LISTING_PARTIAL") } }),
  ],
};

for (const [name, [seen, ...expected]] of Object.entries(cases))
  test(name, () => assert.deepEqual(told(seen), expected));

test("B9.6 tags of a group that is not there, which the ledger cannot know", () => {
  const seen = seenOf([], { listed: [serverOf("7")], orphans: orphanOf("7") });
  const gone = { doc: undefined, group: undefined };
  assert.deepEqual(told(seen, gone), ["noSuchGroup forPerson FOREIGN"]);
});

test("B9.7 an account that cannot be seen: a person sees to credentials, all else passes", () => {
  const denied = notSeen(key.account, cause("B9.7", "CREDENTIALS_DENIED"));
  assert.equal(denied.action, "forPerson");
  assert.equal(notSeen(key.account, cause("B4.3", "LISTING_PARTIAL")).action, "lookUp");
});

test("B9.1 a difference says what keeps it from being put right", () => {
  const brake = cause("B9.1", "BRAKED", { operation: "create" });
  const seen = seenOf([one], { listed: [], lookedUp: [["cloud-1", "gone"]] });
  const { differences } = auditPlacement({
    ...sightOf(seen),
    stopped: new Map([["create", brake]]),
  });
  assert.deepEqual(
    differences.map(({ stoppedBy }) => stoppedBy),
    [brake],
  );
});

test("B4.1 a world that has come to rest has no differences but those that wait", () => {
  /** What no turn puts right, whatever time passes: facts of the world, told as such. */
  const lasting = new Set(["forPerson", "nothing", "lookUp", "waitUntil"]);
  let rested = 0;
  fc.assert(
    fc.property(observations(), (start) => {
      const world = createPerfectWorld({ ...start, stopped: new Map() });
      let turns = 0;
      for (let quiet = 0; quiet < 3 && turns < 60; turns++) {
        const { plan, seen } = world.turn(limits, 30_000);
        quiet = isEmptyPlan(plan, seen) ? quiet + 1 : 0;
      }
      const { seen } = world;
      if (!isEmptyPlan(planPlacement(seen, limits), seen) || seen.doc.paused) return;
      rested++;
      const { differences } = auditPlacement(sightOf(seen));
      assert.deepEqual(
        differences.filter(({ action }) => !lasting.has(action)),
        [],
      );
    }),
    { numRuns: 500 },
  );
  assert.ok(rested > 100, `only ${rested} came to rest`);
});

test("B4.1 a healthy fleet of any size and age has no difference at all", () => {
  const sizes = fc.record({ count: fc.nat(20), ageMs: fc.constantFrom(0, 61_000, 1_000 * hour) });
  fc.assert(
    fc.property(sizes, ({ count, ageMs }) => {
      const ids = Array.from({ length: count }, (_, index) => String(index + 1));
      const rows = ids.map((id) =>
        rowOf(id, "inService", { sinceMs: t0 - ageMs, memberships: [membershipOf(id)] }),
      );
      const members = ids.map((id) => memberOf(id));
      const seen = seenOf(rows, attached(members));
      const spec = specOf({ attachments: [attachmentOf()] });
      assert.deepEqual(told({ ...seen, spec }), []);
    }),
  );
});

test("M8.1 whatever a legal ledger and a wild world look like, an audit has an answer", () => {
  fc.assert(
    fc.property(observations(), (seen) => {
      const before = structuredClone(seen.rows);
      const first = auditPlacement(sightOf(seen));
      assert.deepEqual(auditPlacement(sightOf(seen)), first);
      assert.deepEqual(seen.rows, before);
    }),
    { numRuns: 1_000 },
  );
});
