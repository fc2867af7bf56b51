import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckFinding, GroupCheck } from "../../src/core/model/group-check.js";
import type { ColoId, GroupId, LoadBalancerId } from "../../src/core/model/ids.js";
import { sayCause } from "../../src/core/model/say-cause.js";
import type { GroupSpec } from "../../src/supervisor/api.js";
import { converges, createGroup, groupSpec, placed, setTarget, updateGroup, web } from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const attached = (loadBalancer: LoadBalancerId, port = 80) => {
  return { loadBalancer, port, weight: 1, drainTimeoutMs: 0 };
};
const balanced = groupSpec({ placements: [placed("iad", { attachments: [attached(lb)] })] });
const { launch } = balanced;

const check = (world: World, spec?: GroupSpec, key = web) =>
  world.run(world.node().groups.check({ key, ...(spec && { spec }) }, world.caller));

const told = ({ placements }: GroupCheck) =>
  placements.flatMap(({ findings }) =>
    findings.map(({ severity, field, cause }) => [severity, field, cause.code]),
  );
const findingsOf = ({ placements }: GroupCheck) => placements.flatMap(({ findings }) => findings);
const only = (checked: GroupCheck): CheckFinding => {
  const found = findingsOf(checked);
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0]!;
};

/** All that a check could leave behind: commits, the feed, calls that change, servers, members. */
async function traces(world: World, account = "acme") {
  const { store, caller, cloud, balancers } = world;
  const partitions = [
    { scope: "placement", key: `${account}/web/iad` },
    { scope: "group", key: `${account}/web` },
    { scope: "account", key: `${account}/iad` },
    { scope: "colo", key: "iad" },
  ] as const;
  const loaded = await world.run(
    Promise.all(partitions.map((one) => store.load(one, "all", caller))),
  );
  return {
    revisions: loaded.map((one) => [one.revision, one.lastSequence]),
    feed: await world.run(store.feedHead(caller)),
    calls: [cloud.calls.length, cloud.effects.length, balancers.calls("changeMembers")],
    servers: cloud.servers(),
    members: balancers.members(lb),
  };
}

test("B1.5 a group that will work has no findings, stored or not, and is told its room", async () => {
  const world = await createWorld();
  world.cloud.setQuota(120);
  const fresh = await check(world, balanced);
  assert.deepEqual(told(fresh), []);
  assert.deepEqual(fresh.placements[0]?.room?.servers, 120);
  await createGroup(world, balanced);
  await setTarget(world, 4);
  await converges(world, 4);
  const [stored] = (await check(world)).placements;
  assert.deepEqual([stored?.servers, stored?.serversMax, stored?.findings], [4, 50, []]);
  assert.deepEqual(stored?.room?.by, { resource: "instances", limit: 120, used: 4, perServer: 1 });
  const missing = check(world, undefined, { ...web, group: "nope" as GroupId });
  await assert.rejects(missing, { reason: "GROUP_NOT_FOUND" });
});

test("B1.5 B4.7 every flavor and zone that the cloud has not is named by its own field", async () => {
  const world = await createWorld();
  const missing = [
    world.cloud.inject({ kind: "missing", what: "image", name: "debian" }),
    world.cloud.inject({ kind: "missing", what: "flavor", name: "huge" }),
    world.cloud.inject({ kind: "missing", what: "zone", name: "z2" }),
  ];
  const choices = { fallbackFlavors: ["large", "huge"], availabilityZones: ["z1", "z2"] };
  const checked = await check(world, { ...balanced, launch: { ...launch, ...choices } });
  assert.deepEqual(told(checked), [
    ["problem", "launch_configuration.image", "LAUNCH_INVALID"],
    ["problem", "launch_configuration.fallback_flavors[1]", "LAUNCH_INVALID"],
    ["problem", "launch_configuration.availability_zones[1]", "LAUNCH_INVALID"],
  ]);
  for (const one of missing) assert.equal(one.fired(), 1);
  const [image] = findingsOf(checked);
  assert.match(
    sayCause(image!.cause),
    /^Every such server would be refused in iad: there is no image debian\.$/,
  );
  assert.match(image!.fix, /make it exist in iad/);
});

test("B4.7 a quota is a problem below what is wanted now, and a warning below max and surge", async () => {
  const world = await createWorld();
  world.cloud.setQuota(20);
  const small = await check(world, groupSpec({ placements: [placed("iad", { max: 20 })] }));
  assert.deepEqual(told(small), []);
  const spec = groupSpec({ placements: [placed("iad", { max: 20, min: 5 })], surge: 1 });
  const warned = only(await check(world, spec));
  assert.deepEqual([warned.severity, warned.field], ["warning", "placements[0].max"]);
  assert.deepEqual(warned.cause.facts, {
    ...{ max: 20, surge: 1, servers: 0, room: 20, resource: "instances", limit: 20, used: 0 },
  });
  await createGroup(world, spec);
  await converges(world, 5);
  world.cloud.setQuota(5);
  assert.equal(only(await check(world)).severity, "warning", "those that it wants are there");
  await setTarget(world, 6);
  await world.clock.advance(seconds(20));
  assert.ok(world.cloud.quotaRefusals() > 0);
  const short = findingsOf(await check(world)).find(({ cause }) => cause.code === "QUOTA_SHORT");
  assert.deepEqual([short?.severity, short?.cause.facts["room"]], ["problem", 0]);
});

test("B5.5 load balancers that are gone, refuse to be read or are not asked, each by its place", async () => {
  const world = await createWorld();
  const [gone, other] = ["lb-gone", "lb-2"] as LoadBalancerId[];
  world.balancers.addLoadBalancer(other!);
  const denied = world.balancers.inject({
    ...{ fault: { kind: "denied" }, methods: ["listMembers"], loadBalancer: other! },
  });
  const attachments = [attached(lb, 0), attached(gone!), attached(other!)];
  const checked = await check(world, groupSpec({ placements: [placed("iad", { attachments })] }));
  assert.deepEqual(told(checked), [
    ["problem", "placements[0].load_balancers[0].port", "PORT_UNKNOWN"],
    ["problem", "placements[0].load_balancers[1].load_balancer", "LOAD_BALANCER_GONE"],
    ["problem", "placements[0].load_balancers[2].load_balancer", "LOAD_BALANCER_UNREADABLE"],
  ]);
  assert.equal(denied.fired(), 1);
  denied.stop();
  const away = world.balancers.inject({ fault: { kind: "unavailable" }, methods: ["listMembers"] });
  const unasked = only(await check(world, balanced));
  assert.deepEqual([unasked.severity, unasked.cause.code], ["unknown", "NOT_CHECKED"]);
  assert.ok(away.fired() > 0);
});

test("B9.7 credentials that are refused, or answer for another project, are told; none is pinned", async () => {
  const world = await createWorld();
  const denial = world.cloud.inject({ kind: "refuse", on: ["project"], with: "denied" });
  const refused = only(await check(world, balanced));
  assert.deepEqual([refused.severity, refused.cause.code], ["problem", "CREDENTIALS_DENIED"]);
  assert.ok(denial.fired() > 0);
  denial.off();
  const pins = { scope: "account", key: "acme/iad" } as const;
  await check(world, balanced);
  const unpinned = await world.run(world.store.load(pins, "all", world.caller));
  assert.equal(unpinned.revision, 0, "a check pins nobody to anything");
  await createGroup(world, balanced);
  await setTarget(world, 1);
  await converges(world, 1);
  const moved = world.cloud.inject({ kind: "otherProject" });
  const other = findingsOf(await check(world)).find(({ severity }) => severity === "problem");
  assert.equal(other?.cause.code, "CREDENTIALS_OTHER_PROJECT");
  assert.equal(other?.cause.facts["pinned"], "project-of-acme");
  assert.ok(moved.fired() > 0);
});

test("B1.5 a cloud that does not answer is unknown and no problem, and the check ends in time", async () => {
  const world = await createWorld({ colos: ["iad", "dfw"] });
  const slow = world.cloud.inject({
    ...{ kind: "slowCall", delayMs: seconds(600), on: ["check", "quota", "project"] },
  });
  const both = [placed("iad"), placed("dfw"), placed("mars")];
  const startedAtMs = world.clock.nowMs();
  const checked = await check(world, groupSpec({ placements: both }));
  assert.ok(world.clock.nowMs() - startedAtMs <= seconds(30), "within a call's default");
  assert.ok(slow.fired() >= 3);
  assert.deepEqual(
    checked.placements.map(({ colo, findings }) => [
      colo,
      findings.map(({ severity }) => severity),
    ]),
    [
      ["iad", ["unknown", "unknown", "unknown"]],
      ["dfw", []],
      ["mars", ["problem"]],
    ],
  );
});

test("B9.1 B8.3 B9.5 what stops the group at the moment is a warning, each with its way out", async () => {
  const world = await createWorld();
  await createGroup(world, balanced);
  await setTarget(world, 2);
  await converges(world, 2);
  const colo = "iad" as ColoId;
  const { colos, groups } = world.node();
  const reason = "storage is moved";
  await world.run(colos.setBrake({ colo, operations: ["create"], reason }, world.caller));
  await world.run(groups.pause(web, "let me look", world.caller));
  await world.run(colos.quarantine({ colo, reason: "restored" }, world.caller));
  await world.clock.advance(seconds(5));
  const checked = await check(world);
  const warned = findingsOf(checked);
  assert.deepEqual(
    warned.map(({ severity, cause }) => [severity, cause.rule, cause.code]),
    [
      ["warning", "B9.1", "BRAKED"],
      ["warning", "B8.3", "PAUSED"],
      ["warning", "B9.5", "QUARANTINE"],
    ],
  );
  assert.match(sayCause(warned[0]!.cause), /storage is moved/);
  for (const { fix } of warned) assert.match(fix, /musterctl/);
  const fresh = await check(world, balanced, { ...web, group: "another" as GroupId });
  assert.deepEqual(told(fresh), [["warning", "placements[0].colo", "BRAKED"]]);
});

test("B9.1 sixty checks with plenty to do leave no trace, of an edit as little as of what is", async () => {
  const world = await createWorld();
  await createGroup(world, balanced);
  await setTarget(world, 3);
  await converges(world, 3);
  await world.run(world.node().groups.pause(web, "hold still", world.caller));
  await updateGroup(world, {
    placements: [placed("iad", { min: 9, attachments: [attached(lb)] })],
  });
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.clock.advance(seconds(60));
  const before = await traces(world);
  const stranger = { account: "other" as typeof web.account, group: "new" as GroupId };
  for (let round = 0; round < 20; round++) {
    await check(world);
    await check(world, { ...balanced, surge: round });
    await check(world, balanced, stranger);
  }
  assert.deepEqual(await traces(world), before, "sixty checks, and nothing moved");
  assert.equal((await traces(world, "other")).revisions.flat().join(), "0,0,0,0,0,0,0,0");
});
