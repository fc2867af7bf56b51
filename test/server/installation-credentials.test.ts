import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createMuster, isFault, type Muster, type MusterOptions } from "../../src/index.js";
import { until } from "../drivers/cloud-process-harness.js";

const caller = { principal: "ann", signal: new AbortController().signal as AbortSignal };
const acme = { account: "acme" as never, colo: "iad" as never };
const secret = { project: "project-of-acme", password: "hush-hush-1" };

async function createBench(t: TestContext) {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-credentials-"));
  const logged: string[] = [];
  const running = new Set<Muster>();
  const note = (fields: unknown, message: string) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: note, warn: note, error: note, debug: note };
  const brief = { fromMs: 1, toMs: 2 };
  const options = { needsCredentials: true, buildMs: brief, deleteMs: brief, listingLagMs: 0 };
  const colos = {
    iad: { cloud: { use: "builtin:simulated", options }, pollMs: 20 },
    lon: { cloud: { use: "builtin:process" } },
  };
  const start = async (more: Partial<MusterOptions> = {}) => {
    const muster = await createMuster({ dataDir, colos, log, installation: "here", ...more });
    running.add(muster);
    return muster;
  };
  const stop = async (muster: Muster) => {
    running.delete(muster);
    await muster.stop(100);
  };
  t.after(async () => {
    for (const muster of running) await stop(muster);
    await rm(dataDir, { recursive: true, force: true });
  });
  return { dataDir, keyFile: join(dataDir, "secrets.key"), logged, start, stop };
}

async function groupOf({ supervisor }: Muster, target: number): Promise<void> {
  const spec = {
    ...{ displayName: "web", labels: {}, cooldownMs: 0, warmUpMs: 0, buildTimeoutMs: 600_000 },
    placements: [{ colo: acme.colo, min: 0, max: 10, weight: 1, attachments: [] }],
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    ...({
      stoppedGraceMs: 600_000,
      stoppedServers: "replace",
      scaleInOrder: "oldestFirst",
    } as const),
    surge: 0,
  };
  const key = { account: acme.account, group: "web" as never };
  const create = { ...key, spec, target, validateOnly: false, allowUnverified: false };
  await supervisor.groups.create(create, caller);
  await until(async () => {
    const { placements } = await supervisor.groups.get(key, caller);
    return placements[0]?.inService === target;
  });
}

/** All that the installation wrote, but the keys. */
async function bytesOf(dataDir: string): Promise<string> {
  const files = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const plain = files.filter((one) => one.isFile() && one.name !== "secrets.key");
  assert.ok(plain.some(({ name }) => name === "state.db"));
  const texts = await Promise.all(
    plain.map((one) => readFile(join(one.parentPath, one.name), "latin1")),
  );
  return texts.join("\n");
}

test("M9.4 servers are made with the account's credentials, which stand nowhere in the clear", async (t) => {
  const { dataDir, keyFile, logged, start, stop } = await createBench(t);
  const first = await start();
  await assert.rejects(stat(keyFile), "no key before one is needed");
  await first.supervisor.access.setCredentials({ ...acme, secret }, caller);
  assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
  await groupOf(first, 3);
  const told = [
    await first.supervisor.access.listCredentials(acme.account, caller),
    await first.supervisor.events.search(
      { account: acme.account, order: "newestFirst", eventsMax: 1_000 },
      caller,
    ),
    await first.metrics(),
    logged,
  ];
  await stop(first);
  const key = (await readFile(keyFile, "utf8")).trim();
  for (const text of ["hush-hush", key])
    for (const where of [await bytesOf(dataDir), JSON.stringify(told)])
      assert.ok(!where.includes(text));
  assert.match(logged.join("\n"), /made the first key for credentials: back it up .*secrets\.key/);
  const again = await start();
  const { access } = again.supervisor;
  assert.equal((await access.getCredentials(acme, caller)).setBy, "ann");
  await access.setCredentials({ ...acme, secret }, caller);
});

test("M9.4 a colo whose driver takes no credentials refuses them, by its driver's name", async (t) => {
  const { start } = await createBench(t);
  const { supervisor } = await start();
  const set = supervisor.access.setCredentials({ ...acme, colo: "lon" as never, secret }, caller);
  await assert.rejects(set, (error) => {
    assert.ok(isFault(error, "UNSUPPORTED"));
    assert.match(error.message, /builtin:process, the cloud of colo lon, takes no credentials/);
    return true;
  });
});

test("M9.4 keys that others may read keep it from starting; lost ones are told by their file", async (t) => {
  const { keyFile, logged, start, stop } = await createBench(t);
  const first = await start();
  await first.supervisor.access.setCredentials({ ...acme, secret }, caller);
  await stop(first);
  const kept = await readFile(keyFile);
  await chmod(keyFile, 0o644);
  await assert.rejects(start(), (error) => {
    assert.ok(isFault(error, "CONFIG_INVALID"));
    assert.ok(error.message.includes(keyFile) && error.message.includes("chmod 600"));
    return true;
  });
  await rm(keyFile);
  const without = await start();
  const set = () => without.supervisor.access.setCredentials({ ...acme, secret }, caller);
  await assert.rejects(set(), (error) => {
    assert.ok(isFault(error, "CREDENTIALS_UNREADABLE"));
    assert.match(error.message, /secrets\.key is missing, and secrets are stored under its/);
    return true;
  });
  await assert.rejects(groupOf(without, 1), /cannot be opened/);
  const said = logged.find((line) => line.startsWith("credentials cannot be opened"));
  assert.ok(said?.includes(keyFile), "the log names the file");
  await writeFile(keyFile, kept, { mode: 0o600 });
  await set();
  await groupOf(without, 1);
});

test("M9.4 an embedder's own keys serve instead of a file", async (t) => {
  const { keyFile, start, stop } = await createBench(t);
  const secretsKeys = [randomBytes(32)];
  await assert.rejects(start({ secretsKeys: [randomBytes(8)] }), (error) =>
    isFault(error, "CONFIG_INVALID"),
  );
  const first = await start({ secretsKeys });
  await first.supervisor.access.setCredentials({ ...acme, secret }, caller);
  await stop(first);
  await groupOf(await start({ secretsKeys: [randomBytes(32), ...secretsKeys] }), 2);
  await assert.rejects(stat(keyFile));
});
