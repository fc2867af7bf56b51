import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { durationFromMs, durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { ColoService, OperationClass } from "../../src/gen/muster/v1/colo_service_pb.js";
import { EventService } from "../../src/gen/muster/v1/event_service_pb.js";
import { ScaleInOrder, StoppedServers } from "../../src/gen/muster/v1/group_pb.js";
import { GroupService } from "../../src/gen/muster/v1/group_service_pb.js";
import { AlertState } from "../../src/gen/muster/v1/policy_pb.js";
import { PolicyService } from "../../src/gen/muster/v1/policy_service_pb.js";
import { Outcome } from "../../src/gen/muster/v1/receipt_pb.js";
import { ScalingService } from "../../src/gen/muster/v1/scaling_service_pb.js";
import { ServerService, ServerState } from "../../src/gen/muster/v1/server_service_pb.js";
import { type Door, failureOf } from "./doors.js";
import { lostServers } from "./lost-servers.js";
import {
  admin,
  createInProcessDoor,
  createWeb,
  createWorld,
  tokens,
  validGroup,
  validPolicy,
  WEB,
} from "./world.js";

const parent = "accounts/acme";

describe("every service, through every door", () => {
  const rounds: Record<string, (door: Door) => Promise<void>> = {
    "B1.2 groups": groupsRoundTrip,
    "B2.1 policies": policiesRoundTrip,
    "B2.9 scale events": scalingRoundTrip,
    "B8.1 servers": serversRoundTrip,
    "B9.1 colos": colosRoundTrip,
    "B4.9 events": eventsRoundTrip,
  };
  for (const [title, round] of Object.entries(rounds))
    test(title, async (t) => {
      for (const at of [0, 1, 2, 3]) {
        const world = await createWorld(t);
        const door = [...world.doors, createInProcessDoor(world.supervisor)][at]!;
        await t.test(door.name, () => round(door));
      }
    });
});

async function groupsRoundTrip(door: Door): Promise<void> {
  const { createGroup, getGroup, listGroups, updateGroup } = GroupService.method;
  const group = validGroup({
    labels: { tier: "front" },
    placements: [
      {
        colo: "iad",
        min: 1,
        max: 5,
        weight: 3,
        loadBalancers: [{ loadBalancer: "lb1", port: 80, drainTimeout: durationFromMs(30_500) }],
      },
      { colo: "lon", min: 0, max: 4 },
    ],
    launchConfiguration: {
      image: "debian",
      flavor: "small",
      userData: "#!/bin/sh",
      metadata: { a: "b" },
      parameters: { command: ["sleep", "1"], nested: { deep: true } },
    },
    cooldown: durationFromMs(60_000),
    stoppedServers: StoppedServers.KEEP,
    scaleInOrder: ScaleInOrder.NEWEST_FIRST,
    surge: 2,
    target: 3,
  });
  const created = await door.unary(createGroup, { parent, groupId: "web", group }, admin);
  const made = created.group!;
  assert.equal(made.name, WEB);
  assert.equal(made.target, 3);
  assert.equal(made.launchRevision, 1n);
  assert.ok(made.uid !== "" && made.etag !== "" && made.createTime);
  assert.deepEqual(made.launchConfiguration?.parameters, {
    command: ["sleep", "1"],
    nested: { deep: true },
  });
  assert.deepEqual(
    made.placements.map(({ colo, weight }) => [colo, weight]),
    [
      ["iad", 3],
      ["lon", 1],
    ],
  );
  assert.deepEqual(made.placements[0]!.loadBalancers[0]!.drainTimeout, durationFromMs(30_500));
  assert.equal(made.stoppedServers, StoppedServers.KEEP);
  assert.equal(made.scaleInOrder, ScaleInOrder.NEWEST_FIRST);
  // Defaults are told, not left open.
  assert.deepEqual(made.buildTimeout, durationFromMs(3_600_000));
  assert.deepEqual(made.stoppedGrace, durationFromMs(600_000));
  assert.deepEqual(made.warmUp, durationFromMs(0));
  const [condition] = made.status!.placements[0]!.conditions;
  assert.equal(condition?.type, "converged");
  assert.ok(condition.causes[0]!.message !== "");

  const got = await door.unary(getGroup, { name: WEB }, admin);
  assert.deepEqual(got.group, made);
  await door.unary(createGroup, { parent, groupId: "api", group: validGroup() }, admin);
  const first = await door.unary(listGroups, { parent, pageSize: 1 }, admin);
  assert.deepEqual(
    first.groups.map(({ name }) => name),
    ["accounts/acme/groups/api"],
  );
  const pageToken = first.nextPageToken;
  const second = await door.unary(listGroups, { parent, pageSize: 1, pageToken }, admin);
  assert.deepEqual(
    second.groups.map(({ name }) => name),
    [WEB],
  );
  assert.equal(second.nextPageToken, "");
  const labelled = await door.unary(listGroups, { parent, labels: { tier: "front" } }, admin);
  assert.equal(labelled.groups.length, 1);

  const change = { name: WEB, etag: made.etag, surge: 7, displayName: "kept out by the mask" };
  const mask = { updateMask: { paths: ["surge"] } };
  const updated = await door.unary(updateGroup, { group: change, ...mask }, admin);
  assert.equal(updated.group!.surge, 7);
  assert.equal(updated.group!.displayName, "Web");
  assert.notEqual(updated.group!.etag, made.etag);
  const stale = await failureOf(door.unary(updateGroup, { group: change, ...mask }, admin));
  assert.deepEqual([stale.code, stale.reason], [10, "ETAG_MISMATCH"]);
  await groupControls(door);
}

async function groupPlan(door: Door): Promise<void> {
  const { planGroup } = GroupService.method;
  const { placements } = await door.unary(planGroup, { name: WEB, target: 7 }, admin);
  const [plan] = placements;
  assert.deepEqual([plan!.colo, plan!.target, plan!.inService], ["iad", 7, 1]);
  assert.deepEqual(
    plan!.actions.map(({ kind, count, server }) => [kind, count, server]),
    [
      ["create", 2, ""],
      ["delete", 1, "s1"],
    ],
  );
  assert.equal(plan!.actions[0]!.causes[0]!.facts["target"], "7");
  assert.equal(plan!.stopped[0]!.operation, "create");
  assert.equal(timestampMs(plan!.waits[0]!.untilTime!), 2_000);
  assert.equal(timestampMs(plan!.nextLookTime!), 61_000);
  const missing = { name: "accounts/acme/groups/nope" };
  const lost = await failureOf(door.unary(planGroup, missing, admin));
  assert.deepEqual([lost.code, lost.reason], [5, "GROUP_NOT_FOUND"]);
}

async function groupControls(door: Door): Promise<void> {
  const { pauseGroup, resumeGroup, convergeGroup, deleteGroup, getGroup } = GroupService.method;
  await groupPlan(door);
  const paused = await door.unary(pauseGroup, { name: WEB, reason: "night" }, admin);
  const { pause } = paused.group!.status!.placements[0]!;
  assert.deepEqual([pause?.reason, pause?.principal], ["night", "ann"]);
  const resumed = await door.unary(resumeGroup, { name: WEB }, admin);
  assert.equal(resumed.group!.status!.placements[0]!.pause, undefined);
  await door.unary(convergeGroup, { name: WEB }, admin);
  const refused = await failureOf(door.unary(deleteGroup, { name: WEB }, admin));
  assert.deepEqual([refused.code, refused.reason], [9, "GROUP_NOT_EMPTY"]);
  const gone = await door.unary(deleteGroup, { name: WEB, force: true }, admin);
  assert.equal(gone.draining, true);
  const missing = await failureOf(door.unary(getGroup, { name: WEB }, admin));
  assert.deepEqual([missing.code, missing.reason], [5, "GROUP_NOT_FOUND"]);
}

async function policiesRoundTrip(door: Door): Promise<void> {
  const { createPolicy, getPolicy, listPolicies, updatePolicy, deletePolicy } =
    PolicyService.method;
  await createWeb(door);
  const policy = validPolicy({
    action: { case: "changePercent", value: 12.3456 },
    cooldown: durationFromMs(90_000),
  });
  const created = await door.unary(createPolicy, { parent: WEB, policyId: "pct", policy }, admin);
  const made = created.policy!;
  const name = `${WEB}/policies/pct`;
  assert.equal(made.name, name);
  assert.deepEqual(made.action, { case: "changePercent", value: 12.3456 });
  assert.deepEqual(made.debounce, durationFromMs(10_000));
  assert.equal(made.alertRule!.actsOn, AlertState.CRITICAL);
  assert.deepEqual(made.alertRule!.timeToLive, durationFromMs(600_000));
  assert.deepEqual(made.alertRule!.repeat, durationFromMs(90_000));
  assert.equal(made.alertRule!.maxRepeats, 10);
  assert.deepEqual((await door.unary(getPolicy, { name }, admin)).policy, made);

  // The default repeat follows the cooldown; "at least 30 s".
  const faster = { name, cooldown: durationFromMs(5_000) };
  const mask = { paths: ["cooldown"] };
  const updated = await door.unary(updatePolicy, { policy: faster, updateMask: mask }, admin);
  assert.deepEqual(updated.policy!.alertRule!.repeat, durationFromMs(30_000));
  assert.deepEqual(updated.policy!.action, made.action);
  const exact = { name, action: { case: "exact" as const, value: 4 } };
  const other = { policy: exact, updateMask: { paths: ["exact"] } };
  const switched = await door.unary(updatePolicy, other, admin);
  assert.deepEqual(switched.policy!.action, { case: "exact", value: 4 });

  const listed = await door.unary(listPolicies, { parent: WEB, pageSize: 1 }, admin);
  assert.deepEqual(
    listed.policies.map((one) => one.name),
    [name],
  );
  const pageToken = listed.nextPageToken;
  const rest = await door.unary(listPolicies, { parent: WEB, pageToken }, admin);
  assert.deepEqual(
    rest.policies.map((one) => one.name),
    [`${WEB}/policies/up`],
  );
  const run = await door.unary(PolicyService.method.executePolicy, { name }, admin);
  assert.equal(run.receipt!.outcome, Outcome.APPLIED);
  await door.unary(deletePolicy, { name }, admin);
  const missing = await failureOf(door.unary(getPolicy, { name }, admin));
  assert.equal(missing.reason, "POLICY_NOT_FOUND");
}

async function scalingRoundTrip(door: Door): Promise<void> {
  const { setTarget, scale, reportAlert } = ScalingService.method;
  await createWeb(door);
  const up = await door.unary(scale, { name: WEB, change: 2, requestId: "r1" }, admin);
  const receipt = up.receipt!;
  assert.deepEqual([receipt.outcome, receipt.oldTarget, receipt.newTarget], [1, 2, 4]);
  assert.deepEqual([receipt.causes[0]!.rule, receipt.causes[0]!.code], ["B2.4", "APPLIED"]);
  assert.equal(receipt.causes[0]!.facts["wanted"], "4");
  const again = await door.unary(scale, { name: WEB, change: 2, requestId: "r1" }, admin);
  assert.deepEqual(again.receipt, receipt);
  const reused = await failureOf(
    door.unary(scale, { name: WEB, change: 3, requestId: "r1" }, admin),
  );
  assert.deepEqual([reused.code, reused.reason], [3, "REQUEST_ID_REUSED"]);
  const clamped = await door.unary(setTarget, { name: WEB, target: 50 }, admin);
  assert.equal(clamped.receipt!.newTarget, 10);
  const same = await door.unary(setTarget, { name: WEB, target: 50 }, admin);
  assert.equal(same.receipt!.outcome, Outcome.NO_CHANGE);
  assert.ok(same.receipt!.retryTime);
  const force = { reason: "launch day" };
  const forced = await door.unary(setTarget, { name: WEB, target: 50, force }, admin);
  assert.equal(forced.receipt!.newTarget, 50);
  const policy = `${WEB}/policies/up`;
  const alert = { policy, key: "cpu", state: AlertState.CRITICAL, value: 0.93 };
  const reported = await door.unary(reportAlert, alert, admin);
  assert.ok(reported.receipt!.eventId !== "");
}

async function serversRoundTrip(door: Door): Promise<void> {
  const { listServers, getServer, deleteServer, protectServer } = ServerService.method;
  await createWeb(door);
  const listed = await door.unary(
    listServers,
    { parent: WEB, states: [ServerState.IN_SERVICE] },
    admin,
  );
  assert.equal(listed.servers.length, 2);
  const [server] = listed.servers;
  assert.equal(server!.address, "[2001:db8::1]:8080");
  assert.equal(server!.memberships[0]!.address, "10.0.0.1:80");
  assert.equal(server!.createdBy, "accounts/acme/events/event1");
  const { name } = server!;
  assert.deepEqual((await door.unary(getServer, { name }, admin)).server, server);
  const kept = await door.unary(protectServer, { name, protected: true }, admin);
  assert.equal(kept.server!.protected, true);
  const leaving = await door.unary(deleteServer, { name, replace: true }, admin);
  assert.equal(leaving.server!.state, ServerState.DRAINING);
  assert.equal(leaving.server!.leaving!.code, "REQUESTED");
  await lostServers(door, name);
  const states = [ServerState.BUILDING];
  assert.equal((await door.unary(listServers, { parent: WEB, states }, admin)).servers.length, 0);
  const page = await door.unary(listServers, { parent: WEB, pageSize: 1 }, admin);
  const other = { parent: WEB, states: [ServerState.GONE], pageToken: page.nextPageToken };
  const refused = await failureOf(door.unary(listServers, other, admin));
  assert.equal(refused.reason, "PAGE_TOKEN_INVALID");
}

async function colosRoundTrip(door: Door): Promise<void> {
  const { listColos, getColo, setBrake, clearBrake, repinAccount } = ColoService.method;
  const root = { token: tokens.root };
  const listed = await door.unary(listColos, {}, root);
  assert.deepEqual(
    listed.colos.map(({ name }) => name),
    ["colos/iad", "colos/lon"],
  );
  const operations = [OperationClass.CREATE, OperationClass.LOAD_BALANCER];
  const name = "colos/iad";
  const duration = durationFromMs(60_000);
  const set = await door.unary(setBrake, { name, operations, reason: "fire", duration }, root);
  const stopped = set.colo!.brakes.map(({ operation }) => operation);
  assert.deepEqual(stopped, operations);
  const [brake] = set.colo!.brakes;
  assert.deepEqual([brake!.principal, brake!.reason], ["root", "fire"]);
  assert.equal(brake!.expireTime!.seconds - brake!.sinceTime!.seconds, 60n);
  assert.equal((await door.unary(getColo, { name }, root)).colo!.brakes.length, 2);
  const cleared = await door.unary(clearBrake, { name }, root);
  assert.equal(cleared.colo!.brakes.length, 0);
  const move = { name, account: "accounts/acme" };
  const forced = { ...move, force: true };
  const pins = [move, forced].map((one) => door.unary(repinAccount, one, root));
  const before = (await Promise.all(pins)).map((one) => one.previousProject);
  assert.deepEqual(before, ["old-acme", "given-up"]);
  const denied = door.unary(repinAccount, move, admin);
  assert.equal((await failureOf(denied)).reason, "PERMISSION_MISSING");
  await auditRoundTrip(door);
  const missing = await failureOf(door.unary(getColo, { name: "colos/mars" }, root));
  assert.deepEqual([missing.code, missing.reason], [5, "COLO_NOT_FOUND"]);
}

async function auditRoundTrip(door: Door): Promise<void> {
  const { auditColo } = ColoService.method;
  const root = { token: tokens.root };
  const request = { name: "colos/iad", account: "accounts/other" };
  const stream = door.stream(auditColo, request, root);
  const [one] = (await stream.next()).value!.differences;
  assert.deepEqual(
    [one!.account, one!.group, one!.kind, one!.server, one!.action],
    ["accounts/other", "web", "missingInCloud", "s1", "replace"],
  );
  assert.match(one!.cause!.message, /lacks the server s1/);
  assert.equal(one!.stoppedBy!.code, "NOT_LISTED");
  assert.deepEqual(
    [one!.sinceTime, one!.untilTime].map((at) => timestampMs(at!)),
    [1_000, 2_000],
  );
  const { summary } = (await stream.next()).value!;
  assert.deepEqual([summary!.accounts, summary!.ledgerServers, summary!.differences], [1, 1, 1]);
  assert.equal((await stream.next()).done, true);
  const all = door.stream(auditColo, { name: "colos/iad" }, root);
  assert.equal((await all.next()).value!.differences[0]!.account, "accounts/acme");
  await all.return();
  // An audit tells of every account: only who is bound to all of them may ask for it.
  const denied = door.stream(auditColo, request, admin);
  assert.equal((await failureOf(denied.next())).reason, "PERMISSION_MISSING");
  const missing = door.stream(auditColo, { name: "colos/mars" }, root);
  assert.equal((await failureOf(missing.next())).reason, "COLO_NOT_FOUND");
  const wrong = door.stream(auditColo, { ...request, account: "other" }, root);
  assert.equal((await failureOf(wrong.next())).reason, "FIELD_INVALID");
}

async function eventsRoundTrip(door: Door): Promise<void> {
  const { subscribe, searchEvents } = EventService.method;
  await createWeb(door);
  await door.unary(ScalingService.method.scale, { name: WEB, change: 1 }, admin);
  const stream = door.stream(subscribe, { parent, fromStart: true }, admin);
  const { value: batch } = await stream.next();
  await stream.return();
  assert.deepEqual(
    batch!.events.map(({ type }) => type),
    ["group.created", "scale.decided"],
  );
  const [created, decided] = batch!.events;
  assert.equal(created!.group, WEB);
  assert.equal(created!.facts["count"], "3");
  assert.equal(decided!.name, `accounts/acme/events/${decided!.receipt!.eventId}`);
  assert.equal(decided!.sequence, 2n);

  const types = ["scale.decided"];
  const wrong = door.stream(subscribe, { parent, types, cursor: batch!.cursor }, admin);
  const failure = await failureOf(wrong.next());
  assert.deepEqual([failure.code, failure.reason], [3, "CURSOR_INVALID"]);
  const resumed = door.stream(subscribe, { parent, cursor: batch!.cursor }, admin);
  const next = resumed.next();
  await door.unary(ScalingService.method.scale, { name: WEB, change: 1 }, admin);
  assert.deepEqual(
    (await next).value!.events.map(({ sequence }) => sequence),
    [3n],
  );
  await resumed.return();

  const search = { parent, pageSize: 1, types, oldestFirst: true };
  const first = await door.unary(searchEvents, search, admin);
  assert.deepEqual(
    first.events.map(({ sequence }) => sequence),
    [2n],
  );
  const pageToken = first.nextPageToken;
  const second = await door.unary(searchEvents, { ...search, pageToken }, admin);
  assert.deepEqual(
    second.events.map(({ sequence }) => sequence),
    [3n],
  );
  const stray = await failureOf(door.unary(searchEvents, { parent, pageToken }, admin));
  assert.deepEqual([stray.code, stray.reason], [3, "PAGE_TOKEN_INVALID"]);
  const past = { parent, endTime: timestampFromMs(1_000) };
  assert.equal((await door.unary(searchEvents, past, admin)).events.length, 0);

  const { name } = decided!;
  const told = await door.unary(EventService.method.explainEvent, { name }, admin);
  assert.equal(told.events[0]?.event?.name, name);
  assert.equal(told.events[0]?.depth, 0);
  assert.deepEqual(told.summary, ["It was asked for."]);
  assert.equal(durationMs(told.figures!.firstInServiceAfter!), 1_500);
  assert.equal(told.figures!.lastInServiceAfter, undefined);
  const [wait] = told.waits;
  assert.deepEqual([wait!.colo, wait!.condition, wait!.cause!.code], ["iad", "braked", "BRAKED"]);
  assert.equal(timestampMs(wait!.untilTime!), 61_000);
  assert.equal(told.supersededBy, "accounts/acme/events/later");
  assert.deepEqual([told.cut, told.rootLost, told.lagging], [false, true, false]);
  const nothing = { name: "accounts/acme/events/nothing" };
  const lost = await failureOf(door.unary(EventService.method.explainEvent, nothing, admin));
  assert.deepEqual([lost.code, lost.reason], [5, "EVENT_NOT_FOUND"]);
}
