import assert from "node:assert/strict";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { CloudServerId, ColoId } from "../../src/core/model/ids.js";
import { placementHint } from "../../src/supervisor/placements/hints.js";
import {
  assertKept,
  cloudCount,
  converges,
  createGroup,
  groupSpec,
  placed,
  setTarget,
  view,
  web,
} from "./asks.js";
import { createWorld, type World } from "./world.js";

/** What no placement looks for is found all the same (B9.6, M6.1). */

const colo = "iad" as ColoId;
const hourMs = 3_600_000;
/** A round of the sweep, and how old the listing may be that it uses. */
const boundMs = 550_000;

const orphans = (world: World) =>
  world.run(world.node().servers.orphans(web.account, world.caller));
const deleteOrphan = (world: World, cloudId: CloudServerId) =>
  world.run(
    world.node().servers.deleteOrphan({ account: web.account, colo, cloudId }, world.caller),
  );
const reports = async (world: World) =>
  (await world.events()).filter((one) => one.type === "server.orphan");
/** Counts listings, and changes nothing about them. */
const lists = (world: World) => {
  const counted = world.cloud.inject({ kind: "slowCall", on: ["list"], delayMs: 1 });
  return () => counted.fired();
};

/** A group that was, with the tags of one of its servers. */
async function worldAfter(): Promise<{ world: World; tags: Record<string, unknown> }> {
  const world = await createWorld();
  await createGroup(world);
  await setTarget(world, 2);
  await converges(world, 2);
  const tags = { ...world.cloud.servers()[0]!.ownership!, server: "late-one" };
  const gone = { key: web, force: true, validateOnly: false } as never;
  await world.run(world.node().groups.delete(gone, world.caller));
  await world.until("the group is gone", async () => {
    const failed = await view(world).catch((error: unknown) => error);
    return isFault(failed, "GROUP_NOT_FOUND");
  });
  return { world, tags };
}

const addLate = (world: World, tags: Record<string, unknown>, change = {}) =>
  world.cloud.addForeign({
    ...{ account: web.account, name: "late" },
    ownership: { ...tags, ...change } as never,
  });

test("B9.6 M6.1 a server in the name of a deleted group is reported once, also after restarts", async () => {
  const { world, tags } = await worldAfter();
  const late = addLate(world, tags);
  await world.until("it is reported", async () => (await orphans(world)).length === 1, boundMs);
  const [found] = await orphans(world);
  assert.deepEqual(
    [found?.key, found?.orphan.cloudId, found?.orphan.why, found?.orphan.claims],
    [{ ...web, colo }, late, "noSuchGroup", "late-one"],
  );
  await world.crash();
  await world.clock.advance(hourMs);
  assert.equal((await reports(world)).length, 1);
  assert.equal(cloudCount(world), 1, "nobody has asked for its end");
  await assertKept(world);
});

test("B9.6 the report of a deleted group's server ends with the server", async () => {
  const { world, tags } = await worldAfter();
  const late = addLate(world, tags);
  await world.until("it is reported", async () => (await orphans(world)).length === 1, boundMs);
  world.cloud.vanish(late);
  await world.until("no report", async () => (await orphans(world)).length === 0, boundMs);
  await world.clock.advance(hourMs);
  assert.equal((await reports(world)).length, 1);
});

test("B9.6 B4.3 what a look-up denies is not reported, what it cannot tell only later", async () => {
  const { world, tags } = await worldAfter();
  addLate(world, tags);
  const blind = world.cloud.inject({ kind: "refuse", on: ["get"], with: "temporary" });
  await world.clock.advance(hourMs / 6);
  assert.ok(blind.fired() > 0);
  assert.equal((await orphans(world)).length, 0);
  world.heal();
  await world.until("it is reported", async () => (await orphans(world)).length === 1, boundMs);
});

test("B9.6 a person deletes what a deleted group left, or adopts it into a new one", async () => {
  const { world, tags } = await worldAfter();
  const late = addLate(world, tags);
  const kept = addLate(world, tags, { server: "late-two" });
  await world.until("reported", async () => (await orphans(world)).length === 2, boundMs);
  await deleteOrphan(world, late);
  await world.until("it is gone", () => cloudCount(world) === 1);
  await world.until("its report, too", async () => (await orphans(world)).length === 1, boundMs);
  const adopt = () =>
    world.run(
      world
        .node()
        .servers.adopt({ key: web, colo, cloudId: kept, keepTarget: false }, world.caller),
    );
  await assert.rejects(adopt(), (error) => isFault(error, "GROUP_NOT_FOUND"));
  await createGroup(world);
  assert.equal((await adopt()).row.id, "late-two");
  await converges(world, 1);
  assert.equal((await orphans(world)).length, 0);
  await assertKept(world);
});

test("B9.6 of many in one name the first hundred are listed, and the others move up", async () => {
  const { world, tags } = await worldAfter();
  const all = Array.from({ length: 105 }, (_, index) =>
    addLate(world, tags, { server: `late-${index}` }),
  );
  await world.until("listed", async () => (await orphans(world)).length === 100, 2 * boundMs);
  await world.clock.advance(hourMs / 2);
  assert.equal((await reports(world)).length, 100);
  for (const id of all.slice(0, 10)) world.cloud.vanish(id);
  await world.until("the rest", async () => (await orphans(world)).length === 95, 2 * boundMs);
  assert.equal((await reports(world)).length, 105);
  await assertKept(world);
});

test("B9.6 servers of other installations, accounts and colos are nobody's orphans here", async () => {
  const { world, tags } = await worldAfter();
  addLate(world, tags, { installation: "theirs" });
  addLate(world, tags, { account: "globex" });
  addLate(world, tags, { colo: "lon" });
  world.cloud.addForeign({ account: "acme", name: "pet" });
  const listings = lists(world);
  await world.clock.advance(hourMs);
  assert.ok(listings() >= 10, "it was looked for");
  assert.deepEqual(await reports(world), []);
});

test("B9.6 the account of a placement that an older version made is swept, too", async () => {
  const world = await createWorld();
  const { ownership } = await strangerTags(world);
  const key = { ...web, account: "globex" as never, colo };
  await world.run(world.store.putHints([placementHint(key)], world.caller));
  world.cloud.addForeign({
    ...{ account: "globex", name: "late" },
    ownership: { ...ownership, account: "globex" } as never,
  });
  await world.crash();
  const found = () => world.run(world.node().servers.orphans(key.account, world.caller));
  await world.until("it is reported", async () => (await found()).length === 1, boundMs);
});

async function strangerTags(world: World) {
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 1 })] }));
  await converges(world, 1);
  return { ownership: world.cloud.servers()[0]!.ownership! };
}

test("B9.6 an account is listed once a round, by one node, and not at all beside its groups", async () => {
  const { world } = await worldAfter();
  const second = await world.join("node-2");
  await world.clock.advance(60_000);
  const listings = lists(world);
  await world.clock.advance(10 * 300_000);
  const alone = listings();
  assert.ok(alone >= 9 && alone <= 11, `${alone} listings in ten rounds`);
  assert.ok(second);
  await createGroup(world, groupSpec({ placements: [placed("iad", { min: 1 })] }));
  await world.clock.advance(600_000);
  const before = listings();
  await world.clock.advance(10 * 300_000);
  const busy = listings() - before;
  assert.ok(busy <= 21, `${busy} listings in ten rounds beside a quiet group`);
});

test("B9.6 another node's report of a deleted group's server is no stranger to the monitor", async () => {
  const { world, tags } = await worldAfter();
  await world.join("node-2");
  await world.crash();
  for (let index = 0; index < 6; index++)
    addLate(world, tags, { group: `gone-${index}`, server: `late-${index}` });
  await world.until("reported", async () => (await orphans(world)).length === 6, 2 * boundMs);
  await world.clock.advance(hourMs);
  assert.equal((await reports(world)).length, 6);
  await assertKept(world);
});
