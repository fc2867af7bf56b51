import assert from "node:assert/strict";
import { test } from "node:test";
import {
  askTarget,
  assertGapFree,
  assertNeverMoreThan,
  assertNothingTwice,
  cloudCount,
  converges,
  createGroup,
  createPolicy,
  groupSpec,
  placed,
  setTarget,
  targetOf,
  upId,
  web,
} from "./asks.js";
import { createWorld, type Node, type World } from "./world.js";

const seconds = (count: number) => count * 1_000;
const cloud = {
  latencyMs: { fromMs: 5, toMs: 60 },
  listingLagMs: 2_000,
  createDeadlineMs: 5_000,
};

const ask = (world: World, node: Node, target: number) =>
  world.run(
    node.supervisor.scaling.submit(
      { key: web, source: "manual", ask: { kind: "target", target } },
      world.caller,
    ),
  );

test("a second node takes over only when the first one's leases have run out", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const second = await world.join("node-2");
  await world.clock.advance(seconds(60));
  const first = await world.join("node-1-again"); // Nobody takes what is renewed.
  first.wires.cut();
  world.nodeWires().freeze();
  const frozenAtMs = world.clock.nowMs();
  world.cloud.vanish(world.cloud.servers()[0]!.id);
  await ask(world, second, 4);
  await world.until("the second one acts", () => cloudCount(world) > 1, seconds(120));
  const waitedMs = world.clock.nowMs() - frozenAtMs;
  assert.ok(waitedMs > seconds(9), `took over after ${waitedMs} ms`);
  await world.until("all four are there", () => cloudCount(world) === 4, seconds(120));
  assertNothingTwice(world);
  assertNeverMoreThan(world, 5);
});

test("a node that stops gives its leases back: another need not wait", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  const second = await world.join("node-2");
  await world.run(world.node().stop(5_000));
  await ask(world, second, 3);
  const stoppedAtMs = world.clock.nowMs();
  await world.until("it is done", () => cloudCount(world) === 3, seconds(60));
  assert.ok(world.clock.nowMs() - stoppedAtMs < seconds(12));
});

test("whichever node is asked, the one at work does it soon", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const second = await world.join("node-2");
  await ask(world, second, 5);
  await converges(world, 5, seconds(30));
  await setTarget(world, 1);
  await converges(world, 1, seconds(30));
  await ask(world, second, 3);
  await converges(world, 3, seconds(30));
  assertGapFree(await world.events());
});

test("what one node was told of groups and policies the other knows", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  await createPolicy(world);
  const second = await world.join("node-2");
  const policy = { key: web, source: "manual", ask: { kind: "policy", policy: upId } } as const;
  const run = (node: Node["supervisor"]) => world.run(node.scaling.submit(policy, world.caller));
  assert.equal((await run(second.supervisor)).newTarget, 2);
  await world.run(
    world.node().policies.update(
      {
        ...{ key: web, policy: upId },
        change: (spec) => ({ ...spec, action: { kind: "change", change: 5 } }),
      },
      world.caller,
    ),
  );
  await world.clock.advance(seconds(6));
  assert.equal((await run(second.supervisor)).newTarget, 7);
  const launch = { ...groupSpec().launch, image: "newer" };
  await world.run(
    second.supervisor.groups.update(
      {
        ...{ key: web, validateOnly: false, allowUnverified: false },
        change: (spec) => ({ ...spec, launch, placements: [placed("iad", { max: 8 })] }),
      },
      world.caller,
    ),
  );
  await converges(world, 7, seconds(60));
  await world.clock.advance(seconds(6));
  assert.equal((await setTarget(world, 20)).newTarget, 8);
  await converges(world, 8, seconds(60));
  assert.equal(
    (await world.run(world.node().groups.get(web, world.caller))).group.launch.image,
    "newer",
  );
  assert.equal(
    (await world.run(second.supervisor.groups.get(web, world.caller))).placements[0]?.inService,
    8,
  );
});

test("M2.5 a zombie does no harm: two nodes over one store and cloud, never beyond target", async () => {
  let overlaps = 0;
  for (let seed = 1; seed <= 16; seed++) {
    const world = await createWorld({ seed, cloud, queue: { concurrency: 4 } });
    await createGroup(world, groupSpec({ placements: [placed("iad", { max: 12 })] }));
    const second = await world.join("node-2");
    askTarget(world, 10).catch(() => {});
    await world.clock.advance(seed * 11);
    world.nodeWires().freeze(); // In the middle of what it does.
    const before = cloudCount(world);
    await world.clock.advance(seconds(seed % 2 === 0 ? 40 : 120));
    await ask(world, second, 6);
    await world.clock.advance(seconds(seed));
    world.nodeWires().thaw();
    if (before > 0 && before < 10) overlaps++;
    await world.clock.advance(seconds(30));
    await ask(world, second, 6);
    await converges(world, 6, seconds(400));
    assertNothingTwice(world);
    assertNeverMoreThan(world, 10);
    assertGapFree(await world.events());
  }
  assert.ok(overlaps > 2, `only ${overlaps} freezes fell into the work`);
});

test("B9.1 the kill switch set on one node stops the other within a second", async () => {
  const world = await createWorld({ cloud });
  await createGroup(world);
  const second = await world.join("node-2");
  await world.run(
    second.supervisor.colos.setBrake(
      { colo: "iad" as never, operations: ["create"], reason: "storm" },
      world.caller,
    ),
  );
  await world.clock.advance(1_000);
  await setTarget(world, 5);
  await world.clock.advance(seconds(60));
  assert.equal(cloudCount(world), 0);
  assert.equal(await targetOf(world), 5);
});
