import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, isFault } from "../../src/core/errors/fault.js";
import type { Reason } from "../../src/core/errors/reasons.js";
import type { GroupSpec } from "../../src/supervisor/api.js";
import {
  assertGapFree,
  assertNothingTwice,
  cloudCount,
  converges,
  createGroup,
  groupSpec,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  updateGroup,
  view,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

const is = (reason: Reason) => (error: unknown) => isFault(error, reason);
const create = (world: World, change: object = {}) =>
  world
    .node()
    .groups.create(
      { ...web, spec: groupSpec(), validateOnly: false, allowUnverified: false, ...change },
      world.caller,
    );
const remove = (world: World, force: boolean, expectedGeneration?: number) =>
  world.run(
    world
      .node()
      .groups.delete(
        { key: web, force, ...(expectedGeneration === undefined ? {} : { expectedGeneration }) },
        world.caller,
      ),
  );
const isGone = async (world: World) => {
  const found = await world.run(
    world
      .node()
      .groups.get(web, world.caller)
      .then(
        () => "there",
        (error: Fault) => error.reason,
      ),
  );
  return found === "GROUP_NOT_FOUND";
};
const limited = (min: number, max: number): Partial<GroupSpec> => ({
  placements: [placed("iad", { min, max })],
});

test("B1.3 a repeated create is the first one's answer; another body or id is an error", async () => {
  const world = await createWorld();
  const first = await world.run(create(world, { requestId: "r1", target: 2 }));
  const again = await world.run(create(world, { requestId: "r1", target: 2 }));
  assert.equal(again.view.group.uid, first.view.group.uid);
  await assert.rejects(
    world.run(create(world, { requestId: "r1", target: 3 })),
    is("REQUEST_ID_REUSED"),
  );
  await assert.rejects(world.run(create(world)), is("GROUP_EXISTS"));
  await assert.rejects(world.run(create(world, { requestId: "r2" })), is("GROUP_EXISTS"));
  await world.crash();
  const after = await world.run(create(world, { requestId: "r1", target: 2 }));
  assert.equal(after.view.group.uid, first.view.group.uid);
  await converges(world, 2);
});

test("B1.3 a create that leaves the id to us makes one group, however often it is repeated", async () => {
  const world = await createWorld();
  const { group: _id, ...nameless } = { ...web, group: undefined };
  const ask = () =>
    world.node().groups.create(
      {
        ...{ ...nameless, spec: groupSpec(), requestId: "r1" },
        ...{ validateOnly: false, allowUnverified: false },
      },
      world.caller,
    );
  const made = await world.run(Promise.all(Array.from({ length: 20 }, ask)));
  assert.equal(new Set(made.map((one) => one.view.group.id)).size, 1);
  assert.equal(new Set(made.map((one) => one.view.group.uid)).size, 1);
});

test("B1.3 M2.5 a create that a crash struck can be repeated", async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const world = await createWorld({ seed });
    create(world, { requestId: "r1", target: 3 }).catch(() => {});
    await world.clock.advance(seed);
    await world.crash();
    await world.run(create(world, { requestId: "r1", target: 3 }));
    await converges(world, 3);
    assertNothingTwice(world);
  }
});

test("B1.6 a new group's target is its min, unless given", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec(limited(2, 5)));
  await converges(world, 2);
});

test("B1.6 min and max move the target only when they must, across a crash", async () => {
  const world = await createWorld();
  await createGroup(world, groupSpec(limited(0, 10)));
  await setTarget(world, 4);
  for (const [min, max, target] of [
    [2, 10, 4],
    [6, 10, 6],
    [0, 10, 6],
    [0, 3, 3],
    [1, 50, 3],
    [5, 5, 5],
  ] as const) {
    await updateGroup(world, limited(min, max));
    assert.equal(await targetOf(world), target, `${min} to ${max}`);
    if (target === 6) await world.crash();
  }
  await converges(world, 5);
});

test("B1.3 B1.7 an edit counts generations, launch edits revisions; a stale etag is refused", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 1);
  await converges(world, 1);
  const launch = { ...groupSpec().launch, image: "debian-13" };
  const { view: edited } = await updateGroup(world, { launch });
  assert.deepEqual([edited.group.generation, edited.group.launchRevision], [2, 2]);
  const stale = world.node().groups.update(
    {
      ...{ key: web, change: (spec: GroupSpec) => spec, expectedGeneration: 1 },
      ...{ validateOnly: false, allowUnverified: false },
    },
    world.caller,
  );
  await assert.rejects(world.run(stale), is("ETAG_MISMATCH"));
  await setTarget(world, 2);
  await converges(world, 2);
  const revisions = (await rowsOf(world)).map((row) => row.launchRevision);
  assert.deepEqual(revisions, [1, 1], "the new one has yet to prove itself (B8.5)");
  const images = world.cloud.servers().map((one) => world.cloud.launchOf(one.id)?.image);
  assert.deepEqual(images, ["debian", "debian"], "no running server was touched");
});

test("B1.5 an outage of the cloud is never the user's mistake", async () => {
  const world = await createWorld();
  const blank = { spec: groupSpec({ launch: { ...groupSpec().launch, image: "" } }) };
  await assert.rejects(world.run(create(world, blank)), is("FIELD_INVALID"));
  const outage = world.cloud.inject({ kind: "refuse", on: ["check"], with: "temporary" });
  await assert.rejects(world.run(create(world, blank)), is("CLOUD_UNAVAILABLE"));
  const accepted = await world.run(create(world, { allowUnverified: true }));
  assert.equal(accepted.warnings.length, 1);
  assert.ok(outage.fired() >= 2);
  world.heal();
  const nowhere = { spec: groupSpec({ placements: [placed("mars")] }) };
  await assert.rejects(world.run(create(world, nowhere)), is("FIELD_INVALID"));
});

test("B8.4 a group with servers or a target is not deleted without force", async () => {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await assert.rejects(remove(world, false), is("GROUP_NOT_EMPTY"));
  await converges(world, 2);
  await setTarget(world, 0);
  await assert.rejects(remove(world, false), is("GROUP_NOT_EMPTY"));
  await converges(world, 0);
  await assert.rejects(remove(world, false, 77), is("ETAG_MISMATCH"));
  assert.deepEqual(await remove(world, false), { draining: false });
  assert.ok(await isGone(world));
  await assert.rejects(remove(world, false), is("GROUP_NOT_FOUND"));
});

test("B8.4 a forced delete drains to zero and only then is the group gone, across crashes", async () => {
  const world = await createWorld({ cloud: { deleteMs: { fromMs: 5_000, toMs: 20_000 } } });
  await createGroup(world, groupSpec(limited(2, 10)));
  await setTarget(world, 5);
  await converges(world, 5);
  assert.deepEqual(await remove(world, true), { draining: true });
  assert.deepEqual(await remove(world, true), { draining: true }, "asking twice is asking once");
  assert.equal((await setTarget(world, 9)).causes[0]?.code, "DELETING");
  await assert.rejects(updateGroup(world, limited(0, 3)), is("GROUP_DELETING"));
  while (!(await isGone(world))) {
    if (cloudCount(world) > 0) assert.equal(await targetOf(world), 0);
    await world.clock.advance(1_500);
    if (world.random() < 0.3) await world.crash();
  }
  assert.equal(cloudCount(world), 0, "every server was gone before the group");
  const types = (await world.events()).map((one) => one.type);
  assert.equal(types.filter((type) => type === "group.created").length, 1);
  assert.equal(types.filter((type) => type === "group.deleted").length, 1);
  assert.equal(types.at(-1), "group.deleted");
});

test("B8.4 a crash at any step of the delete is gone on from", async () => {
  for (let step = 1; step <= 25; step++) {
    const world = await createWorld({ seed: step });
    await createGroup(world);
    await setTarget(world, 2);
    await converges(world, 2);
    world
      .node()
      .groups.delete({ key: web, force: true }, world.caller)
      .catch(() => {});
    await world.clock.advance(step);
    await world.crash();
    if (!(await isGone(world))) await remove(world, true);
    for (let crash = 0; crash < 3; crash++) {
      await world.clock.advance(400 + step * 37 * crash);
      await world.crash();
    }
    await world.until("gone", () => isGone(world), 400_000);
    assert.equal(cloudCount(world), 0);
    const events = await world.events();
    assertGapFree(events);
    const created = events.filter((one) => one.type === "group.created");
    assert.equal(created.length, 1, `step ${step}: a group that goes is not created again`);
  }
});

test("B1.3 a group of the same id is another group: nothing of the first is left", async () => {
  const world = await createWorld();
  const first = await createGroup(world);
  await setTarget(world, 3, "r1");
  await converges(world, 3);
  await remove(world, true);
  await world.until("gone", () => isGone(world));
  const second = await createGroup(world, groupSpec(limited(1, 5)));
  assert.notEqual(second.view.group.uid, first.view.group.uid);
  assert.equal(second.view.group.generation, 1);
  await converges(world, 1);
  assert.equal((await setTarget(world, 2, "r2")).newTarget, 2);
  await converges(world, 2);
  assertGapFree(await world.events());
});

test("B1.6 B1.4 groups are listed in order, by label, page by page", async () => {
  const world = await createWorld();
  for (const id of ["c", "a", "e", "b", "d"]) {
    const labels: Record<string, string> = id < "c" ? { tier: "gold" } : {};
    await createGroup(world, groupSpec({ labels }), { ...web, group: id as never });
  }
  const list = async (change: object) => {
    const request = { account: web.account, pageSize: 2, labels: {}, ...change };
    const page = await world.run(world.node().groups.list(request, world.caller));
    return [page.items.map((one) => one.group.id as string).join(""), page.more];
  };
  assert.deepEqual(await list({}), ["ab", true]);
  assert.deepEqual(await list({ after: "b" }), ["cd", true]);
  assert.deepEqual(await list({ after: "d" }), ["e", false]);
  assert.deepEqual(await list({ labels: { tier: "gold" } }), ["ab", false]);
  assert.equal((await view(world, { ...web, group: "c" as never })).group.id, "c");
});
