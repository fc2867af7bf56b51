import assert from "node:assert/strict";
import { copyFile, readdir, rm, stat } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createMemoryStore } from "../../src/drivers/store-memory/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import {
  countTo,
  patientCall,
  readWholeFeed,
  sequencesByPlacement,
} from "../contract/store-samples.js";
import { until } from "../drivers/cloud-process-harness.js";
import { createRunningClock } from "../drivers/running-clock.js";
import { createRandom } from "../simulation/virtual-clock.js";
import { account, createSite, inService, makeGroup, scaleTo, web } from "./installation.js";

const idleMs = 600;

test("M6.2 B9.5 a backup that is restored destroys nothing until a person confirms it", async (t) => {
  const site = await createSite(t);
  const first = await site.start("data");
  await makeGroup(first.client);
  await scaleTo(first.client, 3);
  const batches = first.client.events.subscribe({ parent: account, fromStart: true });
  let cursor = "";
  for await (const one of batches) {
    ({ cursor } = one);
    break;
  }
  const { file, placements } = await first.client.colos.backUpStore({});
  assert.equal(placements, 1);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await scaleTo(first.client, 6);
  await site.stop(first.muster);
  const fleet = site.cloud.servers().map(({ id }) => id);

  for (const name of await readdir(site.file("data")))
    if (name.startsWith("state.db")) await rm(site.file(`data/${name}`));
  await copyFile(file, site.file("data/state.db"));
  const { client, muster } = await site.start("data");
  await client.scaling.setTarget({ name: web, target: 1 });
  // Those that came after the backup are found by their tags.
  await until(async () => {
    const { events } = await client.events.searchEvents({ parent: account, pageSize: 1_000 });
    return events.filter(({ type }) => type === "server.orphan").length === 3;
  });
  await sleep(idleMs);
  assert.deepEqual(
    site.cloud.servers().map(({ id }) => id),
    fleet,
  );
  const { group } = await client.groups.getGroup({ name: web });
  const held = group?.status?.placements[0]?.conditions.find(({ type }) => type === "held");
  assert.ok(held?.holds);
  assert.match(held.causes[0]?.message ?? "", /restored from a backup of 2/);

  const old = client.events.subscribe({ parent: account, cursor });
  await assert.rejects(
    async () => {
      for await (const _ of old) break;
    },
    (error) => ConnectError.from(error).code === Code.InvalidArgument,
    "a place in the feed before is none in what comes now",
  );
  await client.servers.rebuildLedger({ name: web });
  await inService(client, 6);
  await client.groups.confirmLedger({ name: web, reason: "all are back" });
  await scaleTo(client, 2);
  assert.equal(site.cloud.servers().length, 2);
  assert.equal(site.cloud.effects.filter(({ kind }) => kind === "created").length, 6);
  await site.stop(muster);
});

test("M3.2 a backup is whole however much is written meanwhile", async (t) => {
  const site = await createSite(t);
  const { client, muster } = await site.start("data");
  await makeGroup(client);
  await client.scaling.setTarget({ name: web, target: 30 });
  await until(async () => site.cloud.servers().length > 5);
  const files = [await client.colos.backUpStore({}), await client.colos.backUpStore({})];
  await inService(client, 30);
  await site.stop(muster);
  for (const { file } of files) {
    const store = await createSqliteStore({ path: file, clock: createSystemClock() });
    const partition = { scope: "placement", key: "acme/web/iad" } as const;
    const { lastSequence, rows } = await store.load(partition, ["doc"], patientCall());
    const doc = JSON.parse(rows[0]!.value) as PlacementDoc;
    assert.equal(doc.target, 30);
    assert.equal(doc.quarantine?.principal, "muster:backup");
    const sequences = sequencesByPlacement(await readWholeFeed(store, "", 1_000));
    assert.deepEqual([...sequences.values()], [countTo(lastSequence)]);
    await store.close();
  }
});

test("M3.2 a store that is no file says that it is backed up elsewhere", async (t) => {
  const site = await createSite(t);
  const store = createMemoryStore({ clock: createRunningClock(), random: createRandom(1) });
  const { client } = await site.start("data", { store });
  const asked = client.colos.backUpStore({});
  await assert.rejects(asked, (error) => ConnectError.from(error).code === Code.Unimplemented);
});
