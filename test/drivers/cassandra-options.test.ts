import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createMuster } from "../../src/app.js";
import { checkConfig } from "../../src/config.js";
import { isFault } from "../../src/core/errors/fault.js";
import { prepareStore } from "../../src/drivers/load-store.js";
import { type CassandraOptions, readOptions } from "../../src/drivers/store-cassandra/options.js";

const use = "builtin:cassandra";
const least = {
  contactPoints: ["10.0.0.1:9042"],
  colo: "iad",
  colos: { iad: { replicas: 3 }, ams: { replicas: 3, dataCenter: "AMS1" } },
};
const password = "a-password-that-nobody-may-read";

async function optionsOf(more: object): Promise<CassandraOptions> {
  const { options } = await prepareStore({ use, options: { ...least, ...more } });
  return options as CassandraOptions;
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "muster-options-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail("it was to be refused"),
    (reason: unknown) => reason,
  );
  assert.ok(isFault(error, "CONFIG_INVALID"), String(error));
  return error.message;
}

test("M7.3 the configuration names a store, and its options are checked by name", async () => {
  const named = { use, options: least };
  const rest = { tokens: [{ principal: "ops", roles: [{ account: "*", role: "admin" }] }] };
  const colos = { iad: { cloud: { use: "builtin:simulated" } } };
  assert.deepEqual(checkConfig({ ...rest, colos, store: named }).store, named);
  const read = await readOptions(await optionsOf({}), { baseDir: "/", colos: ["iad"] });
  assert.deepEqual(read, {
    ...{ contactPoints: ["10.0.0.1:9042"], colo: "iad", dataCenter: "iad" },
    ...{ keyspace: "muster", requestTimeoutMs: 12_000, replicas: { iad: 3, AMS1: 3 } },
  });
  assert.match(await refusal(optionsOf({ keyspace: "x; DROP" })), /^store.options.keyspace: must/);
  assert.match(await refusal(optionsOf({ user: "me" })), /^store.options.user: unknown option/);
  assert.match(await refusal(prepareStore({ use: "builtin:mysql" })), /no store builtin:mysql/);
});

test("M7.3 nodes that share a store share the installation's name, which none makes up", async (t) => {
  const dataDir = await folderOf(t);
  const colos = { iad: { cloud: { use: "builtin:simulated" } } };
  const starting = createMuster({ dataDir, colos, store: { use, options: least } });
  assert.match(await refusal(starting), /^installation: is required/);
});

test("M7.1 a node serves no colo whose placements another data centre writes", async () => {
  const options = await optionsOf({});
  const both = { baseDir: "/", colos: ["iad", "ams"] };
  assert.match(await refusal(readOptions(options, both)), /ams is served by nodes of its own/);
  const elsewhere = readOptions({ ...options, colo: "lax" }, { baseDir: "/", colos: ["lax"] });
  assert.match(await refusal(elsewhere), /is lax, which is not among its colos/);
});

test("B10.3 the cluster's password stays with its owner, and in no refusal", async (t) => {
  const baseDir = await folderOf(t);
  const file = join(baseDir, "cassandra.json");
  const options = await optionsOf({ credentialsFile: "cassandra.json" });
  const read = () => readOptions(options, { baseDir, colos: ["iad"] });
  assert.match(await refusal(read()), /credentialsFile .*ENOENT/);
  await writeFile(file, JSON.stringify({ username: "muster", password }), { mode: 0o600 });
  assert.deepEqual((await read()).credentials, { username: "muster", password });
  await chmod(file, 0o640);
  assert.match(await refusal(read()), /open to others than its owner/);
  await chmod(file, 0o600);
  for (const text of [password, `{"username": "muster", "pass": "${password}"}`, "null"]) {
    await writeFile(file, text);
    const say = await refusal(read());
    assert.match(say, /is not of the form/);
    assert.ok(!say.includes(password), "it was told");
  }
});
