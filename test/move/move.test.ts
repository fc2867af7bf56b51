import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import { OperationClass } from "../../src/gen/muster/v1/colo_service_pb.js";
import { type Rebuild, RebuildPhase } from "../../src/gen/muster/v1/rebuild_pb.js";
import { holdColos } from "../../src/move/hold.js";
import { openWhole } from "../../src/move/whole.js";
import { patientCall } from "../contract/store-samples.js";
import { until } from "../drivers/cloud-process-harness.js";
import {
  account,
  type Client,
  createSite,
  inService,
  makeGroup,
  scaleTo,
  web,
} from "./installation.js";

const colo = "colos/iad";
const moved = { isMoved: true } as const;
const restored = { isMoved: false } as const;
/** Longer than a daemon takes for what it may do. */
const idleMs = 600;

async function brakesOf({ colos }: Client) {
  return (await colos.getColo({ name: colo })).colo?.brakes ?? [];
}

async function heldBy({ groups }: Client) {
  const { group } = await groups.getGroup({ name: web });
  const conditions = group?.status?.placements[0]?.conditions ?? [];
  return conditions.flatMap(({ type, holds, causes }) =>
    type === "held" && holds ? causes.map(({ code }) => code) : [],
  );
}

test("M3.2 an installation moves to another store and goes on as if nothing had been", async (t) => {
  const site = await createSite(t);
  const old = await site.start("old");
  await makeGroup(old.client);
  const { receipt } = await old.client.scaling.setTarget({ name: web, target: 4, requestId: "r" });
  await inService(old.client, 4);
  const operations = [OperationClass.LOAD_BALANCER];
  await old.client.colos.setBrake({ name: colo, operations, reason: "a person's" });
  await site.stop(old.muster);
  assert.match(await site.export("old", "state.export"), /state\.export: \d+ records of/);

  // Whoever starts the old one all the same finds it stopped.
  const late = await site.start("old");
  const brakes = await brakesOf(late.client);
  assert.equal(brakes.filter(({ principal }) => principal === "muster:export").length, 3);
  await late.client.scaling.setTarget({ name: web, target: 9 });
  await sleep(idleMs);
  assert.equal(site.cloud.servers().length, 4);
  await site.stop(late.muster);

  assert.match(await site.import("new", "state.export", moved), /in quarantine: none/);
  const { client } = await site.start("new");
  const [brake, ...more] = await brakesOf(client);
  assert.equal(brake?.reason, "a person's");
  assert.deepEqual(more, []);
  await inService(client, 4);
  const again = await client.scaling.setTarget({ name: web, target: 4, requestId: "r" });
  assert.equal(again.receipt?.eventId, receipt?.eventId, "a repeat is one over the move");
  await scaleTo(client, 6);
  await scaleTo(client, 1);
  assert.equal(site.cloud.servers().length, 1);
  assert.equal(site.cloud.effects.filter(({ kind }) => kind === "created").length, 6);
  await until(async () => {
    const { events } = await client.events.searchEvents({ parent: account, pageSize: 1_000 });
    const types = events.map(({ type }) => type);
    return types.includes("group.created") && types.includes("server.gone");
  });
});

test("M3.2 B8.5 an installation moves in the midst of a rebuild, which goes on where it stood", async (t) => {
  const site = await createSite(t);
  const old = await site.start("old");
  await makeGroup(old.client);
  await scaleTo(old.client, 4);
  await old.client.groups.updateGroup({
    group: { name: web, launchConfiguration: { image: "newer", flavor: "small" } },
    updateMask: { paths: ["launch_configuration"] },
  });
  await old.client.groups.rebuildGroup({ name: web, options: { checkpoints: [50] } });
  const before = await rebuildIn(old.client, RebuildPhase.WAITING);
  await site.stop(old.muster);
  await site.export("old", "state.export");

  await site.import("new", "state.export", moved);
  const { client } = await site.start("new");
  await sleep(idleMs);
  assert.deepEqual(await rebuildIn(client, RebuildPhase.WAITING), before);
  await client.groups.continueRebuild({ name: web });
  const after = await rebuildIn(client, RebuildPhase.COMPLETED);
  assert.equal(after?.id, before?.id);
  await inService(client, 4);
  const { servers } = await client.servers.listServers({ parent: web });
  assert.deepEqual(
    servers.map(({ launchRevision }) => launchRevision),
    Array(4).fill(2n),
  );
  assert.equal(site.cloud.effects.filter(({ kind }) => kind === "created").length, 8);
});

/** Once it is so far. */
async function rebuildIn({ groups }: Client, phase: RebuildPhase) {
  let rebuild: Rebuild | undefined;
  await until(async () => {
    const { group } = await groups.getGroup({ name: web });
    rebuild = group?.status?.placements[0]?.rebuild;
    return rebuild?.phase === phase;
  });
  return rebuild;
}

test("M3.2 B9.5 what is imported as a backup scales out, and deletes once it is confirmed", async (t) => {
  const site = await createSite(t);
  const old = await site.start("old");
  await makeGroup(old.client);
  await scaleTo(old.client, 3);
  await site.stop(old.muster);
  await site.export("old", "state.export");
  assert.match(await site.import("new", "state.export", restored), /in quarantine: 1 placements/);
  const { client } = await site.start("new");
  await client.scaling.setTarget({ name: web, target: 1 });
  await sleep(idleMs);
  assert.equal(site.cloud.servers().length, 3);
  assert.deepEqual(await heldBy(client), ["QUARANTINE"]);
  await scaleTo(client, 5);
  await client.groups.confirmLedger({ name: web, reason: "compared with the cloud's list" });
  await scaleTo(client, 1);
  const { events } = await client.events.searchEvents({ parent: account, pageSize: 1_000 });
  const told = events.filter(({ type }) => type === "group.quarantined");
  assert.equal(told.length, 1);
  assert.equal(told[0]?.principal, "muster:import");
});

test("M3.2 an import that broke off holds daemons back until the same file went on", async (t) => {
  const site = await createSite(t);
  const old = await site.start("old");
  await makeGroup(old.client);
  await scaleTo(old.client, 2);
  await site.stop(old.muster);
  await site.export("old", "one.export");
  const second = await site.export("old", "two.export");
  assert.match(second, /records of/, "it may be exported again");
  const told = await site.import("whole", "one.export", moved);
  const importId = /export-\w+/.exec(told)![0];

  const [clock, ids, call] = [createSystemClock(), createSystemIds(), patientCall()];
  const whole = await openWhole(site.settingsOf("half"), clock);
  const why = { mover: "muster:import", reason: "not finished", importId } as const;
  await holdColos({ whole, clock, ids, call }, whole.colos, why);
  await whole.close();
  await writeFile(site.file("half/installation.id"), "");
  const early = await site.start("half");
  assert.equal((await brakesOf(early.client)).length, 3);
  await site.stop(early.muster);
  await rm(site.file("half/installation.id"));

  const other = site.import("half", "two.export", moved);
  await assert.rejects(other, /an import of export-\w+ has begun here/);
  await site.import("half", "one.export", moved);
  const { client } = await site.start("half");
  assert.deepEqual(await brakesOf(client), []);
  await scaleTo(client, 3);
  assert.equal(site.cloud.servers().length, 3);
});

test("M3.2 what cannot be moved is refused, and says why", async (t) => {
  const site = await createSite(t);
  await assert.rejects(site.export("never", "x.export"), /no Muster has ever worked in/);
  const old = await site.start("old");
  await makeGroup(old.client);
  await assert.rejects(site.export("old", "x.export"), /in use by another process/);
  await site.stop(old.muster);
  await site.export("old", "state.export");
  await assert.rejects(site.export("old", "state.export"), /is there already/);

  await assert.rejects(site.import("old", "state.export", moved), /not empty: it has \d+ part/);
  const other = { installation: "other" };
  const renamed = site.import("new", "state.export", moved, other);
  await assert.rejects(renamed, /installation: is other, and the export is of installation-/);
  const colos = { lon: { cloud: { use: "builtin:simulated" } } };
  const elsewhere = site.import("new", "state.export", moved, { colos });
  await assert.rejects(elsewhere, /colos: the export has iad, of which the configuration has none/);
  const started = await site.start("new", { installation: "here" });
  await assert.rejects(site.import("new", "state.export", moved), /in use by another process/);
  await site.stop(started.muster);
  await site.import("new", "state.export", moved);
});
