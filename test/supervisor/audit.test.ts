import assert from "node:assert/strict";
import { test } from "node:test";
import type { Difference } from "../../src/core/model/difference.js";
import type { AccountId, ColoId } from "../../src/core/model/ids.js";
import type { AuditBatch } from "../../src/supervisor/api.js";
import { converges, createGroup, groupSpec, placed, rowsOf, setTarget, web } from "./asks.js";
import { createWorld, lb, type World } from "./world.js";

const iad = "iad" as ColoId;
const attachments = [{ loadBalancer: lb, port: 80, weight: 1, drainTimeoutMs: 0 }];
const balanced = groupSpec({ placements: [placed("iad", { attachments })] });

async function worldAt(servers: number): Promise<World> {
  const world = await createWorld();
  await createGroup(world, balanced);
  await setTarget(world, servers);
  await converges(world, servers);
  await world.clock.advance(120_000);
  return world;
}

async function audit(world: World, account?: string, node = world.node()) {
  const only = account === undefined ? {} : { account: account as AccountId };
  const batches: AuditBatch[] = [];
  const reading = async () => {
    for await (const one of node.colos.audit({ colo: iad, ...only }, world.caller))
      batches.push(one);
  };
  await world.run(reading());
  const { counts } = batches.at(-1)!;
  assert.ok(counts, "the last batch has the counts");
  assert.ok(batches.slice(0, -1).every((one) => one.counts === undefined));
  const differences = batches.flatMap((one) => one.differences);
  assert.equal(counts.differences, differences.length);
  return { differences, counts, said: differences.map(say) };
}

const say = ({ kind, action, cause }: Difference) => `${kind} ${action} ${cause.code}`;

/** Nothing that an audit does is to be seen in the store, or outside. */
async function traces(world: World) {
  const { store, caller, cloud, balancers } = world;
  const partition = { scope: "placement", key: "acme/web/iad" } as const;
  const { revision, lastSequence } = await world.run(store.load(partition, "all", caller));
  const outside = [cloud.calls.length, cloud.effects.length, balancers.calls("changeMembers")];
  return { revision, lastSequence, outside, servers: cloud.servers() };
}

async function comesToRest(world: World, servers: number): Promise<void> {
  await converges(world, servers);
  await world.until("without differences", async () => {
    return (await audit(world)).differences.length === 0;
  });
}

test("B4.3 what converged has no differences, and the counts say what that is worth", async () => {
  const world = await worldAt(3);
  const before = await traces(world);
  const { differences, counts } = await audit(world);
  assert.deepEqual(differences, []);
  assert.deepEqual(counts, {
    ...{ accounts: 1, groups: 1, ledgerServers: 3, cloudServers: 3, members: 3 },
    ...{ differences: 0, notSeen: 0 },
  });
  for (let round = 0; round < 10; round++) await audit(world);
  assert.deepEqual(await traces(world), before, "eleven audits, and nothing moved");
});

test("B4.3 a server that the cloud lost is found at once, not from the cache, and replaced", async () => {
  const world = await worldAt(3);
  const [doomed] = await rowsOf(world);
  assert.ok(world.cloud.vanish(doomed!.cloudId!));
  const { differences, counts, said } = await audit(world);
  assert.deepEqual(said, ["missingInCloud replace CLOUD_GONE"]);
  assert.equal(differences[0]!.server, doomed!.id);
  assert.deepEqual([counts.ledgerServers, counts.cloudServers], [3, 2]);
  await comesToRest(world, 3);
});

test("B9.6 a server that the ledger does not know waits for a person", async () => {
  const world = await worldAt(2);
  const own = world.cloud.servers()[0]!.ownership!;
  const ownership = { ...own, server: "nobody" };
  const id = world.cloud.addForeign({ account: web.account, name: "lost", ownership });
  const { differences, said } = await audit(world);
  assert.deepEqual(said, ["notInLedger forPerson FOREIGN"]);
  assert.equal(differences[0]!.cloudId, id);
  assert.ok(world.cloud.vanish(id));
  await comesToRest(world, 2);
});

test("B9.6 tags of a group that is not there are found in the account's own listing", async () => {
  const world = await worldAt(1);
  const own = world.cloud.servers()[0]!.ownership!;
  const ownership = { ...own, group: "gone", server: "x" };
  world.cloud.addForeign({ account: web.account, name: "lost", ownership });
  const { said, differences } = await audit(world, web.account);
  assert.deepEqual(said, ["noSuchGroup forPerson FOREIGN"]);
  assert.equal(differences[0]!.group, "gone");
  const nobody = await audit(world, "nobody");
  assert.deepEqual([nobody.said, nobody.counts.accounts, nobody.counts.groups], [[], 1, 0]);
});

test("M3.2 lost tags are put right, foreign ones wait for a person", async () => {
  const world = await worldAt(2);
  const [first, second] = world.cloud.servers();
  world.cloud.setTags(first!.id, undefined);
  world.cloud.setTags(second!.id, { ...second!.ownership!, installation: "another" });
  const { said } = await audit(world);
  assert.deepEqual(said.toSorted(), [
    "tagsForeign forPerson TAGS_FOREIGN",
    "tagsLost putRight TAGS_LOST",
  ]);
  world.cloud.setTags(second!.id, second!.ownership);
  await comesToRest(world, 2);
});

test("B5.2 a member that somebody took away is attached again", async () => {
  const world = await worldAt(2);
  const [gone] = world.balancers.members(lb);
  const { host, port } = gone!;
  const driver = world.balancers.openDriver();
  const call = { signal: world.caller.signal };
  await world.run(
    driver.changeMembers({ account: web.account, id: lb }, [{ kind: "remove", host, port }], call),
  );
  const { differences, said, counts } = await audit(world);
  assert.deepEqual(said, ["memberMissing attach MEMBER_MISSING"]);
  assert.equal(differences[0]!.address, `${host}:${port}`);
  assert.equal(counts.members, 1);
  await comesToRest(world, 2);
  assert.equal(world.balancers.members(lb).length, 2);
});

test("B9.1 brakes are named where they keep a difference from being put right", async () => {
  const world = await worldAt(2);
  const brake = { colo: iad, operations: ["create"] as const, reason: "full" };
  await world.run(world.node().colos.setBrake(brake, world.caller));
  assert.ok(world.cloud.vanish((await rowsOf(world))[0]!.cloudId!));
  const { differences } = await audit(world);
  assert.deepEqual(
    differences.map(({ action, stoppedBy }) => [
      action,
      stoppedBy?.code,
      stoppedBy?.facts["reason"],
    ]),
    [["replace", "BRAKED", "full"]],
  );
});

test("B4.3 what cannot be seen is said to be so, and nothing is made of it", async () => {
  const world = await worldAt(2);
  const broken = world.cloud.inject({ kind: "refuse", on: ["list"], with: "temporary" });
  const { said, counts } = await audit(world);
  assert.deepEqual(said, ["notSeen lookUp LISTING_PARTIAL"]);
  assert.deepEqual([counts.notSeen, counts.cloudServers, counts.ledgerServers], [1, 0, 2]);
  assert.ok(broken.fired() > 0, "the fault struck");
  world.heal();
  await comesToRest(world, 2);
});

test("B4.1 what is on its way is no difference, at no moment of scaling out and in", async () => {
  const world = await worldAt(2);
  const found: string[] = [];
  let onTheWay = 0;
  for (const target of [12, 3]) {
    await setTarget(world, target);
    for (let round = 0; round < 60; round++) {
      found.push(...(await audit(world)).said);
      const rows = await rowsOf(world);
      if (rows.some((row) => row.state !== "inService")) onTheWay++;
      await world.clock.advance(250);
    }
    await converges(world, target);
  }
  assert.ok(onTheWay > 20, `${onTheWay} audits saw something on its way`);
  assert.deepEqual(found, []);
});

test("B11.1 a node that does not work on a group audits it as well as the one that does", async () => {
  const world = await worldAt(2);
  const other = await world.join("node-2");
  assert.deepEqual((await audit(world, undefined, other.supervisor)).said, []);
  await setTarget(world, 4);
  await converges(world, 4);
  await world.clock.advance(120_000);
  for (const node of [world.node(), other.supervisor]) {
    const { said, counts } = await audit(world, undefined, node);
    assert.deepEqual([said, counts.ledgerServers, counts.members], [[], 4, 4]);
  }
});

test("B9.6 an account whose groups are all gone is audited all the same", async () => {
  const world = await worldAt(1);
  const { ownership } = world.cloud.servers()[0]!;
  const gone = { key: web, force: true };
  await world.run(world.node().groups.delete(gone, world.caller));
  await world.until("empty", () => world.cloud.servers().length === 0);
  await world.clock.advance(60_000);
  const copied = { ...ownership!, server: "late" };
  world.cloud.addForeign({ account: web.account, name: "late", ownership: copied });
  const { said, counts } = await audit(world);
  assert.deepEqual(said, ["noSuchGroup forPerson FOREIGN"]);
  assert.deepEqual([counts.accounts, counts.groups, counts.cloudServers], [1, 0, 1]);
});
