import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, GroupId } from "../../src/core/model/ids.js";
import {
  converges,
  createGroup,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  submit,
  web,
} from "./asks.js";
import { createWorld, lb } from "./world.js";

/** What the simulation has found, each as small as it gets. */

test("B9.6 a copy of a server that lives is reported, though its group is quiet", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const { ownership } = world.cloud.servers()[0]!;
  const id = world.cloud.addForeign({ account: web.account, name: "copy", ownership: ownership! });
  await world.until("it is reported", async () => {
    const events = await world.events();
    return events.some((one) => one.type === "server.orphan" && one.facts["server"] === id);
  });
});

test("B8.3 a resume right after another node's pause is a resume", async () => {
  const world = await createWorld();
  const second = await world.join("node-2");
  await createGroup(world);
  for (const [pauses, resumes] of [
    [second.supervisor, world.node()],
    [world.node(), second.supervisor],
  ] as const) {
    await world.run(pauses.groups.pause(web, "why", world.caller));
    await world.run(resumes.groups.resume(web, world.caller));
    const { placements } = await world.run(second.supervisor.groups.get(web, world.caller));
    assert.equal(placements[0]?.paused, undefined);
  }
});

test("B8.4 M6.1 a group that was deleted does not come to life again from a node's memory", async () => {
  const world = await createWorld();
  const second = await world.join("node-2");
  await createGroup(world);
  await world.run(second.supervisor.groups.get(web, world.caller)); // It remembers for seconds.
  await world.run(world.node().groups.delete({ key: web, force: true }, world.caller));
  const ask = { kind: "target", target: 4 } as const;
  const asked = second.supervisor.scaling.submit({ key: web, source: "manual", ask }, world.caller);
  await assert.rejects(world.run(asked), { reason: "GROUP_NOT_FOUND" });
  await world.clock.advance(400_000);
  assert.deepEqual(world.cloud.servers(), []);
  const created = (await world.events()).filter(({ type }) => type === "group.created");
  assert.equal(created.length, 1);
});

test("B5.2 a member stays whose address another account's server has by now", async () => {
  const world = await createWorld();
  const other = { ...web, account: "other" as AccountId };
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  for (const key of [web, other])
    await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }), key);
  await setTarget(world, 1);
  await converges(world, 1);
  const [gone] = world.cloud.servers();
  const reuse = world.cloud.inject({ kind: "addressReused" });
  world.cloud.vanish(gone!.id);
  await world.run(submit(world, { kind: "target", target: 1 }, { key: other }));
  await world.until("it has the address", () => world.cloud.servers().length === 1, 5_000);
  assert.equal(reuse.fired(), 1);
  reuse.off();
  const { host } = world.cloud.servers()[0]!.address ?? gone!.address!;
  assert.equal(host, gone!.address!.host);
  const isServed = async () => {
    const request = { key: other, pageSize: 10, states: ["inService"] } as const;
    return (await world.run(world.node().servers.list(request, world.caller))).items.length === 1;
  };
  await world.until("it serves", isServed, 60_000);
  for (let ms = 0; ms < 400_000; ms += 50) {
    await world.clock.advance(50);
    assert.ok(
      world.balancers.members(lb).some((one) => one.host === host),
      `away after ${ms} ms`,
    );
  }
  assert.equal(world.balancers.members(lb).length, 2, "the lost one was replaced elsewhere");
});

test("B5.2 B5.3 a server that is back in service stays a member, though its removal waited", async () => {
  const world = await createWorld();
  const other = { ...web, group: "other" as GroupId };
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  for (const key of [web, other])
    await createGroup(world, groupSpec({ placements: [placed("iad", { attachments })] }), key);
  await setTarget(world, 1);
  await converges(world, 1);
  const removals: string[] = [];
  world.cluster.taps.listen({
    called(call) {
      if (call.kind !== "members") return;
      for (const { kind, host } of call.changes) if (kind === "remove") removals.push(host);
    },
  });
  const slow = world.balancers.inject({ fault: { kind: "slow", delayMs: 5_000 }, times: 1 });
  await world.run(submit(world, { kind: "target", target: 1 }, { key: other }));
  await world.until("the load balancer is busy", () => slow.fired() > 0, 60_000);
  await setTarget(world, 0);
  const stateOf = async () => (await rowsOf(world))[0]?.state;
  await world.until("it leaves", async () => (await stateOf()) === "draining", 2_000);
  await world.clock.advance(1_000);
  await setTarget(world, 1);
  await world.until("it is back", async () => (await stateOf()) === "inService", 2_000);
  await world.clock.advance(60_000);
  assert.deepEqual(removals, []);
  assert.equal(world.balancers.members(lb).length, 2);
});
