import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cloudCount,
  converges,
  createPolicy,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  updateGroup,
  view,
  web,
} from "../../supervisor/asks.js";
import { lb } from "../../supervisor/world.js";
import {
  balancedStoryAt,
  conditionOf,
  keepAsking,
  minutes,
  seconds,
  storyAt,
  witness,
} from "./story.js";

test("B8.2 otter: a server that is removed twice lowers the target once", async () => {
  const world = await storyAt(20);
  const second = await world.join("node-2");
  const [one, two, three] = (await rowsOf(world)).map((row) => row.id);
  const remove = (server: typeof one, replace = false) =>
    world.node().servers.delete({ key: web, server: server!, replace }, world.caller);
  const elsewhere = (server: typeof one) =>
    second.supervisor.servers.delete({ key: web, server: server!, replace: false }, world.caller);
  const deaf = world.cloud.inject({ kind: "deleteIgnored" });
  await world.run(Promise.all([remove(one), remove(one), elsewhere(one), elsewhere(one)]));
  assert.equal(await targetOf(world), 19);
  world.storeFaults.chance.lostAfterCommit = 1;
  await world.run(Promise.all([remove(two), elsewhere(two)]));
  await world.run(remove(two));
  assert.ok(world.storeFaults.fired.lostAfterCommit > 0);
  world.storeFaults.chance.lostAfterCommit = 0;
  await world.crash();
  await world.run(Promise.all([remove(two), remove(three), remove(two), remove(three)]));
  assert.equal(await targetOf(world), 17);
  await world.clock.advance(seconds(10));
  assert.ok(deaf.fired() > 0);
  world.heal();
  await converges(world, 17);
});

test("B8.2 otter: removed and to be replaced, then removed again: the target stays", async () => {
  const world = await storyAt(5);
  const server = (await rowsOf(world))[0]!.id;
  const deaf = world.cloud.inject({ kind: "deleteIgnored" });
  const remove = (replace: boolean) =>
    world.run(world.node().servers.delete({ key: web, server, replace }, world.caller));
  await remove(true);
  await keepAsking(world, 3, seconds(20));
  await remove(false);
  await remove(false);
  assert.ok(deaf.fired() > 0);
  assert.equal(await targetOf(world), 5);
  world.heal();
  await converges(world, 5);
});

test("B8.3 otter: a pause survives every edit of the configuration, and a crash", async () => {
  const world = await storyAt(12);
  await world.run(world.node().groups.pause(web, "maintenance", world.caller));
  const seen = witness(world);
  await updateGroup(world, { placements: [placed("iad", { min: 20, max: 30 })] });
  await updateGroup(world, { cooldownMs: 5_000, displayName: "renamed" });
  const { launch } = groupSpec();
  await updateGroup(world, { launch: { ...launch, image: "newer" } });
  const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
  await updateGroup(world, { placements: [placed("iad", { min: 20, max: 30, attachments })] });
  await createPolicy(world);
  await keepAsking(world, 5, minutes(1));
  await world.crash();
  await updateGroup(world, { labels: { team: "web" } });
  await keepAsking(world, 5, minutes(1));
  seen.assertUntouched();
  assert.equal(world.balancers.calls("changeMembers"), 0);
  const { placements } = await view(world);
  assert.equal(placements[0]?.paused?.reason, "maintenance");
  assert.equal(placements[0]?.target, 20, "configuration may change");
  await world.run(world.node().groups.resume(web, world.caller));
  await converges(world, 20);
  assert.equal(world.balancers.members(lb).length, 20);
});

test("B4.10 B9.3 Nomad #1290: drained, then refused: it is seen, repair goes on, and so do they", async () => {
  const world = await balancedStoryAt(40, seconds(10));
  const refused = world.cloud.inject({ kind: "refuse", on: ["delete"], with: "conflict" });
  await setTarget(world, 30);
  await world.clock.advance(minutes(2));
  assert.equal(await inService(world), 30);
  assert.equal(cloudCount(world), 40);
  assert.ok(refused.fired() >= 10, "each was tried");
  await world.crash();
  await world.clock.advance(minutes(14));
  const degraded = await conditionOf(world, "degraded");
  assert.equal(degraded?.holds, true, "ten servers out of service and still paid for");
  assert.ok(degraded.causes.some((one) => one.code === "DELETE_AGED"));
  const told = (await world.events()).filter((one) => one.type === "group.condition");
  assert.ok(told.some((one) => String(one.facts["causes"]).includes("DELETE_AGED")));
  const tries = refused.fired();
  assert.ok(tries < 10 * 60, `${tries} tries for ten servers in a quarter of an hour`);
  await setTarget(world, 36);
  await world.until("repair goes on", async () => (await inService(world)) === 36);
  assert.equal(world.balancers.members(lb).length, 36, "what is drained stays out of service");
  world.heal();
  await converges(world, 36);
  assert.equal((await conditionOf(world, "degraded"))?.holds, false);
});
