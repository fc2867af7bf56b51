import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Config } from "../../src/config.js";
import { openSession } from "../../src/drivers/store-cassandra/session.js";
import { type Daemon, defer, eventually, mainPath, startDaemon } from "../e2e/daemon.js";
import { assertExactly, converged, createWeb, slowColo, web } from "../e2e/groups.js";
import { addressOf, firstNode, ownNodes, patientMs, replicas, whileFrozen } from "./bed.js";

const { dataCenter: colo } = firstNode;
const contactPoints = ownNodes.map(addressOf);

/** A configuration on a keyspace that does not exist yet; a file of it for commands. */
async function configOf(t: TestContext) {
  const keyspace = `t${randomUUID().replaceAll("-", "").slice(0, 12)}`;
  const colos = Object.entries(replicas()).map(([name, count]) => [name, { replicas: count }]);
  const options = { contactPoints, colo, colos: Object.fromEntries(colos), keyspace };
  const store = { use: "builtin:cassandra", options };
  const more: Partial<Config> = { installation: "prod", store };
  const folder = await mkdtemp(join(tmpdir(), "muster-cassandra-"));
  const config = join(folder, "muster.json");
  const tokens = [{ principal: "ops", tokenSha256: "ab".repeat(32), roles: adminEverywhere }];
  const colosServed = { [colo]: { cloud: { use: "builtin:simulated" } } };
  const whole = { listen: "127.0.0.1:0", dataDir: "data", tokens, colos: colosServed, ...more };
  await writeFile(config, JSON.stringify(whole), { mode: 0o600 });
  defer(t, () => rm(folder, { recursive: true }));
  defer(t, async () => {
    const session = await openSession({
      ...{ contactPoints, dataCenter: colo, requestTimeoutMs: patientMs },
    });
    await session.define(`DROP KEYSPACE IF EXISTS ${keyspace}`);
    await session.close();
  });
  return { config, more };
}

const adminEverywhere = [{ account: "*", role: "admin" }];

/** What the program says, and its exit code. */
function muster(...args: readonly string[]): Promise<{ readonly code: number; say: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [mainPath, ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), say: stdout + stderr }),
    );
  });
}

test("M7.3 the command migrates what the configuration names, once, and says it before", async (t) => {
  const { config } = await configOf(t);
  const early = await muster("--config", config);
  assert.equal(early.code, 2);
  assert.match(early.say, /has no tables: run muster migrate --config FILE first/);
  const ill = await muster("doctor", "--config", config);
  assert.equal(ill.code, 1);
  assert.match(ill.say, /problem keyspace t\w+: is not there yet/);

  for (let times = 0; times < 2; times++) {
    const dry = await muster("migrate", "--config", config, "--dry-run");
    assert.equal(dry.code, 0, dry.say);
    assert.match(dry.say, /^CREATE KEYSPACE IF NOT EXISTS .*NetworkTopologyStrategy/);
    assert.match(dry.say, /would be migrated from version 0 to 2/);
  }
  assert.match((await muster("migrate", "--config", config)).say, /^migrated from version 0 to 2/);
  assert.match((await muster("migrate", "--config", config)).say, /^version 2: nothing to do/);
  const well = await muster("doctor", "--config", config);
  assert.equal(well.code, 0, well.say);
  for (const what of ["quorum of", "quorum of all colos", "keyspace", "copies"])
    assert.match(well.say, new RegExp(`ok +${what}`));
});

test("M7.3 M2.5 a daemon that is killed finds its state in Cassandra, and goes on exactly", async (t) => {
  const { config, more } = await configOf(t);
  await muster("migrate", "--config", config);
  // Few at once, so that it takes a while however slow those are who look on.
  const local = slowColo({ answerDelayMs: 100, createDeadlineMs: 1_500, concurrency: 4 });
  const daemon = await startDaemon(t, { [colo]: local }, more);
  await createWeb(daemon, { colo, max: 20 });
  await daemon.client.scaling.setTarget({ name: web, target: 5 });
  await converged(daemon, 5);
  for (const target of [15, 4]) {
    const from = (await daemon.running()).length;
    await daemon.client.scaling.setTarget({ name: web, target });
    await eventually(
      "it is at work",
      () => daemon.running(),
      (seen) => seen.length !== from,
    );
    await daemon.kill();
    const before = (await daemon.running()).length;
    assert.notEqual(before, target, "it was done before it was killed");
    await daemon.start();
    await converged(daemon, target, { msMax: 180_000 });
    await assertExactly(daemon, colo, target);
  }

  assert.equal(await readiness(daemon), 200);
  await whileFrozen(async () => {
    await eventually(
      "it is not ready",
      () => readiness(daemon),
      (status) => status === 503,
    );
  });
  await eventually(
    "it is ready again",
    () => readiness(daemon),
    (status) => status === 200,
  );

  await daemon.kill();
  const log = join(daemon.folder, "daemon.log");
  const { starting } = await whileFrozen(async () => {
    const starting = daemon.start();
    starting.catch(() => {}); // Told below.
    await eventually(
      "one that starts waits for the store",
      () => readFile(log, "utf8"),
      (text) => text.includes("the store cannot be reached; trying again"),
    );
    return { starting };
  });
  await starting;
  await converged(daemon, 4);
});

async function readiness({ address }: Daemon): Promise<number> {
  return (await fetch(`http://${address}/readyz`)).status;
}
