import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColoId } from "../../../src/core/model/ids.js";
import { placementPartition } from "../../../src/supervisor/placements/placement-state.js";
import {
  converges,
  createGroup,
  groupSpec,
  inService,
  placed,
  rowsOf,
  setTarget,
  targetOf,
  web,
} from "../../supervisor/asks.js";
import { createWorld, type World } from "../../supervisor/world.js";
import { conditionOf, keepAsking, minutes, seconds, witness } from "./story.js";

const partition = placementPartition({ ...web, colo: "iad" as ColoId });

/** What the store had of the placement, to be put back behind everybody's back. */
async function backupOf(world: World): Promise<() => Promise<void>> {
  const load = () => world.run(world.store.load(partition, "all", world.caller));
  const old = await load();
  const isOld = new Set(old.rows.map((row) => `${row.kind}/${row.key}`));
  return async () => {
    const { revision, rows } = await load();
    const deletes = rows.filter((row) => !isOld.has(`${row.kind}/${row.key}`));
    const commit = { partition, expectedRevision: revision, commitId: `restore-${revision}` };
    const all = { ...commit, puts: old.rows, deletes, events: [], hints: [] };
    await world.run(world.store.commit(all, world.caller));
  };
}

async function scaledTo(world: World, target: number): Promise<void> {
  await setTarget(world, target);
  await converges(world, target);
  await world.clock.advance(seconds(20));
}

/** Not watched: the oracle's own ledger would not go back with the store. */
async function restoredWorld() {
  const world = await createWorld();
  await createGroup(world, groupSpec({ placements: [placed("iad", { max: 200 })] }));
  await scaledTo(world, 40);
  const restore = await backupOf(world);
  await scaledTo(world, 30); // Some that the backup knows are gone,
  await scaledTo(world, 60); // and more are there that it does not know.
  await world.sleep(minutes(5));
  await restore();
  const seen = witness(world);
  await world.crash();
  return { world, seen };
}

test("B9.5 M6.2 an old backup restored: nobody is deleted until a person confirms it", async () => {
  const { world, seen } = await restoredWorld();
  const fleet = world.cloud.servers().map(({ id }) => id);
  assert.equal(await targetOf(world), 40, "the restored target is stale");
  await keepAsking(world, 6, minutes(1));
  await setTarget(world, 20);
  await keepAsking(world, 6, minutes(1));
  await world.crash();
  await setTarget(world, 10);
  await keepAsking(world, 6, minutes(1));
  assert.equal(seen.deletes(), 0);
  const held = await conditionOf(world, "held");
  assert.ok(held?.holds && held.causes.some((one) => one.code === "QUARANTINE"));
  const left = new Set(world.cloud.servers().map(({ id }) => id));
  assert.ok(fleet.every((id) => left.has(id)));
  const { groups } = world.node();
  await world.run(groups.confirmLedger({ key: web, reason: "looked at it" }, world.caller));
  await world.until("its surplus goes", async () => (await inService(world)) === 10, minutes(30));
  await keepAsking(world, 5, minutes(1));
  // Those that the ledger lost are reported, and stay for a person to adopt or delete.
  const bound = new Set((await rowsOf(world)).map((row) => row.cloudId));
  const strangers = world.cloud.servers().filter(({ id }) => !bound.has(id));
  assert.equal(strangers.length, 30);
  const told = (await world.events()).filter((one) => one.type === "server.orphan");
  assert.ok(told.length >= 30, `${told.length} were reported`);
});

test("B9.5 an old backup restored: what the cloud has is not made a second time", async () => {
  const { world, seen } = await restoredWorld();
  await setTarget(world, 60);
  await keepAsking(world, 12, minutes(1));
  assert.equal(seen.created(), 0, "sixty are wanted, and sixty are there");
  assert.equal(seen.deletes(), 0);
});

test("B9.5 M6.2 a backup restored while look-ups are not answered makes no second fleet", async () => {
  const { world, seen } = await restoredWorld();
  const silent = world.cloud.inject({ kind: "refuse", on: ["get"], with: "throttled" });
  await setTarget(world, 60);
  await keepAsking(world, 3, minutes(1));
  assert.ok(silent.fired() > 0);
  assert.equal(seen.creates(), 0, "who is there may be whom it asked for");
  await keepAsking(world, 5, minutes(1));
  assert.equal(seen.creates() + seen.deletes(), 0);
  const held = await conditionOf(world, "held");
  assert.ok(held?.holds && held.causes.some((one) => one.code === "QUARANTINE"));
});
