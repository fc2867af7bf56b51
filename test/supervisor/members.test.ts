import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, GroupId, LoadBalancerId } from "../../src/core/model/ids.js";
import {
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  submit,
  updateGroup,
  view,
  web,
} from "./asks.js";
import { createWorld, lb, type World, type WorldOptions } from "./world.js";

const seconds = (count: number) => count * 1_000;
const other = "lb-2" as LoadBalancerId;
const joined = (drainTimeoutMs = 60_000, loadBalancers = [lb]) =>
  groupSpec({
    placements: [
      placed("iad", {
        attachments: loadBalancers.map((loadBalancer) => ({
          ...{ loadBalancer, port: 80, weight: 5, drainTimeoutMs },
        })),
      }),
    ],
  });

async function worldAt(servers: number, options: WorldOptions = {}, spec = joined()) {
  const world = await createWorld({ ...options });
  await createGroup(world, spec);
  await setTarget(world, servers);
  await converges(world, servers);
  return world;
}

/** The hosts that are members, in order. */
const members = (world: World, id = lb) =>
  world.balancers
    .members(id)
    .map((one) => one.host)
    .toSorted();
const hosts = (world: World) =>
  world.cloud
    .servers()
    .flatMap((one) => one.address?.host ?? [])
    .toSorted();

test("B5.2 servers in service are members, with their weight; leavers are not", async () => {
  const world = await worldAt(4);
  assert.deepEqual(members(world), hosts(world));
  assert.ok(world.balancers.members(lb).every((one) => one.weight === 5 && !one.draining));
  await setTarget(world, 1);
  await converges(world, 1);
  assert.deepEqual(members(world), hosts(world));
  assert.equal(world.balancers.overlaps(), 0);
});

test("B6.1 a server is in service only when its load balancer finds it healthy", async () => {
  const world = await createWorld({ balancers: { behaviour: { healthyAfterMs: seconds(30) } } });
  await createGroup(world, joined());
  await setTarget(world, 2);
  await world.until("they are members", () => members(world).length === 2);
  await world.clock.advance(seconds(20));
  assert.equal(await inService(world), 0);
  await converges(world, 2, seconds(30));
});

test("B5.3 a drain waits for connections, and ends early when they are gone", async () => {
  const balancers = { behaviour: { connections: 7, drainedAfterMs: seconds(20) } };
  const world = await worldAt(2, { balancers }, joined(seconds(600)));
  await setTarget(world, 1);
  const setAtMs = world.clock.nowMs();
  await world.clock.advance(seconds(15));
  assert.equal(world.cloud.servers().length, 2, "not while connections are open");
  assert.equal(world.balancers.members(lb).filter((one) => one.draining).length, 1);
  await converges(world, 1, seconds(60));
  assert.ok(world.clock.nowMs() - setAtMs < seconds(60));
});

test("B5.3 a drain ends at its timeout, though a crash fell into it", async () => {
  const balancers = { behaviour: { connections: 7, drainedAfterMs: seconds(86_400) } };
  const world = await worldAt(2, { balancers }, joined(seconds(90)));
  await setTarget(world, 1);
  const setAtMs = world.clock.nowMs();
  await world.clock.advance(seconds(40));
  await world.crash();
  await world.clock.advance(seconds(40));
  assert.equal(world.cloud.servers().length, 2);
  await converges(world, 1, seconds(60));
  assert.ok(world.clock.nowMs() - setAtMs >= seconds(90));
});

test("B5.3 demand that comes back takes the draining server back into service", async () => {
  const balancers = { behaviour: { connections: 7, drainedAfterMs: seconds(86_400) } };
  const world = await worldAt(3, { balancers }, joined(seconds(600)));
  await setTarget(world, 1);
  await world.until(
    "two drain",
    () => world.balancers.members(lb).filter((one) => one.draining).length === 2,
  );
  const creates = world.cloud.calls.filter((one) => one.operation === "create").length;
  await setTarget(world, 3);
  await converges(world, 3, seconds(30));
  assert.equal(world.cloud.calls.filter((one) => one.operation === "create").length, creates);
  assert.ok(world.balancers.members(lb).every((one) => !one.draining));
});

test("B5.1 an edit of the attachments reaches running servers", async () => {
  const world = await worldAt(3, { balancers: { loadBalancers: [lb, other] } });
  await updateGroup(world, { placements: joined(0, [lb, other]).placements });
  await world.until("both have them", () => members(world, other).length === 3, seconds(60));
  await updateGroup(world, { placements: joined(0, [other]).placements });
  await world.until("the first is left", () => members(world).length === 0, seconds(60));
  assert.deepEqual(members(world, other), hosts(world));
  assert.equal(await inService(world), 3, "nobody left service over it");
});

test("B5.2 members of others are never touched", async () => {
  const world = await createWorld();
  world.balancers.addForeign(lb, { host: "192.0.2.1", port: 80, weight: 1 });
  await createGroup(world, joined(0));
  await setTarget(world, 2);
  await converges(world, 2);
  await setTarget(world, 0);
  await converges(world, 0);
  assert.deepEqual(members(world), ["192.0.2.1"]);
});

test("B5.2 a member that someone took out is put back", async () => {
  const world = await worldAt(2);
  const [host] = members(world);
  const driver = world.balancers.openDriver();
  const change = [{ kind: "remove", host: host!, port: 80 } as const];
  await world.run(driver.changeMembers({ account: web.account, id: lb }, change, world.caller));
  await world.run(world.node().groups.converge(web, world.caller));
  await world.until("it is back", () => members(world).length === 2, seconds(30));
});

test("B5.5 a load balancer that is gone: servers stay, it shows, scaling in works", async () => {
  const world = await worldAt(4);
  world.balancers.removeLoadBalancer(lb);
  await world.run(world.node().groups.converge(web, world.caller));
  await world.clock.advance(seconds(30));
  assert.equal(await inService(world), 4);
  const { placements } = await view(world);
  const degraded = placements[0]?.conditions.find((one) => one.type === "degraded");
  assert.equal(degraded?.causes[0]?.code, "LOAD_BALANCER_GONE");
  await setTarget(world, 2);
  await converges(world, 2, seconds(60));
  world.balancers.addLoadBalancer(lb);
  await world.run(world.node().groups.converge(web, world.caller));
  await world.until("they join again", () => members(world).length === 2, seconds(60));
});

for (const kind of ["immutable", "throttled", "unavailable", "lostAnswer", "partial"] as const)
  test(`B5.4 changes that fail (${kind}) are made again`, async () => {
    const world = await createWorld({ balancers: { callMs: 20 } });
    await createGroup(world, joined(0));
    const faulty = world.balancers.inject({ fault: { kind }, times: 3 });
    await setTarget(world, 5);
    await converges(world, 5, seconds(120));
    assert.ok(faulty.fired() > 0);
    faulty.stop();
    assert.deepEqual(members(world), hosts(world));
    const second = world.balancers.inject({ fault: { kind }, times: 3 });
    await setTarget(world, 1);
    await converges(world, 1, seconds(120));
    assert.ok(second.fired() > 0);
    assert.deepEqual(members(world), hosts(world));
  });

test("B5.4 a load balancer that does not answer is given up on for now, not for ever", async () => {
  const world = await createWorld();
  await createGroup(world, joined(0));
  const slow = { kind: "slow", delayMs: seconds(86_400) } as const;
  const hung = world.balancers.inject({ fault: slow, times: 2 });
  await setTarget(world, 2);
  await converges(world, 2, seconds(200));
  assert.equal(hung.fired(), 2);
});

test("B5.4 groups that share a load balancer: one change at a time, merged", async () => {
  const world = await createWorld({ balancers: { callMs: 300 } });
  const keys = Array.from({ length: 8 }, (_, index) => ({ ...web, group: `g${index}` as never }));
  for (const key of keys) await createGroup(world, joined(0), key);
  for (const key of keys)
    await world.run(
      world
        .node()
        .scaling.submit(
          { key, source: "manual", ask: { kind: "target", target: 3 } },
          world.caller,
        ),
    );
  await world.until("all joined", () => members(world).length === 24, seconds(120));
  assert.equal(world.balancers.overlaps(), 0);
  const calls = world.balancers.calls("changeMembers");
  assert.ok(calls < 24, `${calls} calls for 24 servers of 8 groups`);
});

test("M9.4 B5.4 accounts that share a load balancer: one change at a time, each as its own", async () => {
  const world = await createWorld({ balancers: { callMs: 1_000 } });
  const accounts = ["acme", "other", "third"];
  const keys = Array.from({ length: 9 }, (_, index) => ({
    ...web,
    account: accounts[index % 3] as AccountId,
    group: `g${index}` as GroupId,
  }));
  const called: { readonly account: string; readonly changes: number }[] = [];
  const strange: string[] = [];
  world.cluster.taps.listen({
    called(call) {
      if (call.kind !== "members") return;
      const { account, changes } = call;
      called.push({ account, changes: changes.length });
      for (const { host } of changes) {
        const server = world.cloud.servers().find((one) => one.address?.host === host);
        if (server?.ownership?.account !== account) strange.push(`${host} as ${account}'s`);
      }
    },
  });
  for (const key of keys) await createGroup(world, joined(0), key);
  for (const key of keys) await world.run(submit(world, { kind: "target", target: 3 }, { key }));
  await world.until("all joined", () => members(world).length === 27, seconds(120));
  assert.equal(world.balancers.overlaps(), 0);
  assert.deepEqual(strange, []);
  assert.deepEqual(new Set(called.map(({ account }) => account)), new Set(accounts));
  assert.ok(called.length < 27, `${called.length} calls for 27 servers of 9 groups`);
  const merged = called.filter(({ changes }) => changes > 3);
  assert.ok(merged.length > 0, "what waits of one account is merged");
  // Whoever has just been called for waits until the others have been.
  const runs = called.map(({ account }, index) => account === called[index - 1]?.account);
  assert.ok(runs.filter(Boolean).length < called.length / 2, called.map((c) => c.account).join());
});

test("B5.4 one group's refused members do not hold up the others'", async () => {
  const world = await createWorld({ balancers: { callMs: 500 } });
  const wrong = { ...web, group: "wrong" as never };
  const right = { ...web, group: "right" as never };
  const attachments = [{ loadBalancer: lb, port: 80, weight: 9_999, drainTimeoutMs: 0 }];
  await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }), wrong);
  await createGroup(world, joined(0), right);
  for (const key of [wrong, right])
    await world.run(
      world
        .node()
        .scaling.submit(
          { key, source: "manual", ask: { kind: "target", target: 6 } },
          world.caller,
        ),
    );
  await world.until("right is whole", async () => (await inService(world, right)) === 6, 120_000);
  assert.equal(await inService(world, wrong), 0);
  const callsBefore = world.balancers.calls("changeMembers");
  await world.clock.advance(seconds(300));
  const calls = world.balancers.calls("changeMembers") - callsBefore;
  assert.ok(calls > 2 && calls < 30, `${calls} calls in five minutes for what is refused for good`);
});

test("B5.4 of a batch that is rejected, what can be taken is taken", async () => {
  const world = await createWorld({ balancers: { behaviour: { membersMax: 3 } } });
  await createGroup(world, joined());
  await setTarget(world, 8);
  await world.until("three serve", async () => (await inService(world)) === 3, 120_000);
  const callsBefore = world.balancers.calls("changeMembers");
  await world.clock.advance(seconds(300));
  assert.equal(world.balancers.members(lb).length, 3);
  const calls = world.balancers.calls("changeMembers") - callsBefore;
  assert.ok(calls > 2 && calls < 40, `${calls} calls in five minutes for what has no room`);
});

test("B4.3 a member of a server that vanished is taken out", async () => {
  const world = await worldAt(3);
  await world.clock.advance(seconds(20));
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await world.run(world.node().groups.converge(web, world.caller));
  await converges(world, 3, seconds(90));
  assert.deepEqual(members(world), hosts(world));
  assert.equal((await rowsOf(world)).length, 3);
});

test("B4.11 B5.4 a full load balancer is told of, and who found no room in it is given up", async () => {
  const world = await createWorld({ balancers: { behaviour: { membersMax: 2 } } });
  await createGroup(world, { ...joined(), buildTimeoutMs: 600_000 });
  await setTarget(world, 2);
  await converges(world, 2);
  await setTarget(world, 3);
  const degraded = async () =>
    (await view(world)).placements[0]?.conditions.find((one) => one.type === "degraded");
  await world.until("it is told", async () => (await degraded())?.holds === true);
  const [why] = (await degraded())!.causes;
  assert.equal(why?.code, "LOAD_BALANCER_REFUSED");
  assert.equal(why?.facts["kind"], "quota");
  const failed = async () => (await world.events()).find((one) => one.type === "server.failed");
  await world.until("it is given up", async () => (await failed()) !== undefined, 900_000);
  assert.equal((await failed())?.facts["causes"], "BUILD_TIMEOUT");
  assert.equal(world.balancers.members(lb).length, 2);
});

test("B5.4 a load balancer that takes no changes for long is told of, and then serves", async () => {
  const world = await createWorld();
  await createGroup(world, joined());
  const immutable = { kind: "immutable", retryAfterMs: seconds(60) } as const;
  const broken = world.balancers.inject({ fault: immutable, times: 3 });
  await setTarget(world, 2);
  const degraded = async () =>
    (await view(world)).placements[0]?.conditions.find((one) => one.type === "degraded");
  await world.until("it is told", async () => (await degraded())?.holds === true);
  const [why] = (await degraded())!.causes;
  assert.deepEqual([why?.code, why?.facts["kind"]], ["LOAD_BALANCER_REFUSED", "conflict"]);
  await converges(world, 2, seconds(300));
  assert.equal(broken.fired(), 3);
  assert.equal((await degraded())?.holds, false);
});

test("B4.11 B5.5 a load balancer that denies changes costs no server, and is told of", async () => {
  const world = await createWorld();
  await createGroup(world, { ...joined(), buildTimeoutMs: 600_000 });
  const denied = world.balancers.inject({ fault: { kind: "denied" } });
  await setTarget(world, 2);
  const causes = async () =>
    (await view(world)).placements[0]?.conditions
      .find((one) => one.type === "degraded")
      ?.causes.map(({ code }) => code);
  await world.until("it is told", async () =>
    ((await causes()) ?? []).includes("LOAD_BALANCER_REFUSED"),
  );
  await world.clock.advance(900_000);
  assert.ok(denied.fired() > 3);
  assert.deepEqual(await causes(), ["LOAD_BALANCER_REFUSED"]);
  world.heal();
  await converges(world, 2);
  assert.equal(world.cloud.effects.filter((effect) => effect.kind === "created").length, 2);
  assert.deepEqual(await causes(), []);
});
