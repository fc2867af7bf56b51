import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readConfig } from "../../src/config.js";
import type { Diagnosis } from "../../src/core/model/diagnosis.js";
import type { AccountId, ColoId, GroupId } from "../../src/core/model/ids.js";
import { type Examination, examine } from "../../src/doctor/doctor.js";
import { examineDoor } from "../../src/doctor/door.js";
import { runDoctor } from "../../src/doctor/tell.js";
import { createSystemClock, createSystemIds } from "../../src/drivers/clock-system/index.js";
import { createSecretBox } from "../../src/drivers/secrets-aes/index.js";
import { createKeyFile } from "../../src/drivers/secrets-aes/key-file.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import { settingsOf } from "../../src/settings.js";
import { createCredentialBook } from "../../src/supervisor/credentials/credential-book.js";
import { placementHint } from "../../src/supervisor/placements/hints.js";
import { freePort } from "../free-port.js";
import { certificate, certificateKey } from "./certificates.js";

const locked = fileURLToPath(new URL("../fixtures/drivers/locked-cloud.js", import.meta.url));
const token = "a-token-that-nobody-may-read";
const password = "a-password-that-nobody-may-read";
const tokenSha256 = "ab".repeat(32);
const clock = createSystemClock();
const ids = createSystemIds();

/** A folder with a configuration that is well, but for what is changed. */
async function clinic(t: TestContext, change: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), "muster-doctor-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "muster.json");
  const dataDir = join(folder, "data");
  await mkdir(dataDir);
  const good = {
    ...{ installation: "prod", listen: `127.0.0.1:${await freePort()}`, dataDir: "data" },
    tokens: [{ principal: "ops", tokenSha256, roles: [{ account: "*", role: "admin" }] }],
    colos: { iad: { cloud: { use: `file:${locked}` } } },
  };
  await writeFile(config, JSON.stringify({ ...good, ...change }));
  const all = async (accounts: readonly string[] = []) => {
    const seen: Examination[] = [];
    for await (const one of examine({ config, accounts })) seen.push(one);
    return seen;
  };
  return { folder, config, dataDir, all };
}

const flat = (all: readonly Examination[]) => all.flatMap(({ diagnoses }) => diagnoses);
const about = (all: readonly Examination[], subject: string): Diagnosis => {
  const named = flat(all).filter((one) => one.subject.includes(subject));
  const found = named.find((one) => one.subject === subject) ?? named[0];
  assert.ok(found, `nothing about ${subject}: ${JSON.stringify(all)}`);
  return found;
};
const bad = (all: readonly Examination[]) =>
  flat(all)
    .filter(({ state }) => state === "problem" || state === "warning")
    .map(({ state, say }) => `${state}: ${say}`);

/** A store with a group of each account in colo iad, and the first one's credentials. */
async function stock(dataDir: string, ...accounts: readonly string[]): Promise<void> {
  const store = await createSqliteStore({ path: join(dataDir, "state.db"), clock });
  const call = { signal: AbortSignal.timeout(10_000) };
  const keys = accounts.map((account) => ({
    ...{ account: account as AccountId, group: "web" as GroupId, colo: "iad" as ColoId },
  }));
  await store.putHints(keys.map(placementHint), call);
  const box = createSecretBox(createKeyFile(join(dataDir, "secrets.key")));
  const log = { info() {}, warn() {}, error() {}, debug() {} };
  const book = createCredentialBook({ installation: "prod", store, box, clock, ids, log });
  const by = { principal: "ops", signal: call.signal };
  await book.set({ account: accounts[0]!, colo: "iad" }, { password }, by);
  await store.close();
}

/** Every file below, by content, size and time of writing. */
async function print(folder: string): Promise<unknown> {
  const names = await readdir(folder, { recursive: true });
  const files = names.toSorted().map(async (name) => {
    const { size, mtimeMs, mode, ino } = await stat(join(folder, name));
    const isFile = ((await stat(join(folder, name))).mode & 0o170000) === 0o100000;
    const text = isFile ? (await readFile(join(folder, name))).toString("base64") : "";
    return isFile ? { name, size, mtimeMs, mode, ino, text } : { name, mode, ino };
  });
  return Promise.all(files);
}

test("B1.2 an installation that is well has no problems, and is left as it was", async (t) => {
  const { all, dataDir, folder } = await clinic(t);
  await stock(dataDir, "acme");
  const before = await print(folder);
  const seen = await all();
  assert.deepEqual(bad(seen), []);
  assert.equal(about(seen, "credentials of acme").state, "ok");
  assert.equal(about(seen, "safe").say, `acme has ${password.length} characters`);
  assert.equal(about(seen, "state.db").say, "no other process works with it");
  assert.deepEqual(await print(folder), before, "nothing was changed, and nothing is left");
  const copies = (await readdir(tmpdir())).filter((one) => one.startsWith("muster-doctor-"));
  assert.deepEqual(
    copies.filter((one) => !one.startsWith("muster-doctor-test-")),
    [],
  );
});

test("B1.2 a configuration that is wrong is told by every field, and never what it holds", async (t) => {
  const tokens = [{ principal: "ops", token, rolls: [] }];
  const { all, config } = await clinic(t, { tokens, colour: "red" });
  const seen = await all();
  assert.deepEqual(
    flat(seen).map(({ subject, state, say }) => [subject, state, say]),
    [
      ["configuration", "problem", "there is no setting colour"],
      ["tokens.0", "problem", "must have required property 'roles'"],
      ["tokens.0", "problem", "there is no setting rolls"],
    ],
  );
  for (const text of [`{"tokens": [${token}`, `${token} is the token`, `{"a": "${token}`]) {
    await writeFile(config, text);
    const [broken] = flat(await all());
    assert.equal(broken?.state, "problem");
    assert.match(broken.say, /JSON/);
    assert.doesNotMatch(broken.say, /a-token/);
  }
  await rm(config);
  assert.match(flat(await all())[0]!.say, /ENOENT/);
});

test("B10.3 keys and tokens that others may read are told, with the way to shut them", async (t) => {
  const tokens = [{ principal: "ops", token, roles: [{ account: "*", role: "admin" }] }];
  const { all, dataDir, config } = await clinic(t, { tokens });
  await stock(dataDir, "acme");
  await chmod(config, 0o644);
  const warned = about(await all(), "tokens");
  assert.deepEqual([warned.state, /0644/.test(warned.say)], ["warning", true]);
  await chmod(join(dataDir, "secrets.key"), 0o640);
  await chmod(join(dataDir, "state.db"), 0o604);
  const seen = await all();
  const key = about(seen, "secrets.key");
  assert.equal(key.state, "problem");
  assert.match(`${key.say} ${key.fix}`, /0640.*chmod 600/s);
  assert.match(about(seen, "state.db").say, /others .*\(0604\)/);
  assert.equal(about(seen, "credentials of acme").state, "problem", "the key may not be used");
  assert.doesNotMatch(JSON.stringify(seen), /that-nobody-may-read/);
});

test("B10.3 credentials that are missing, cannot be opened or have another shape, by account", async (t) => {
  const { all, dataDir } = await clinic(t);
  await stock(dataDir, "acme", "bare");
  const some = await all(["named"]);
  assert.match(about(some, "credentials of bare").say, /^none are written/);
  assert.match(about(some, "credentials of named").fix ?? "", /musterctl credentials set named/);
  assert.ok(!flat(some).some(({ say }) => say.startsWith("bare has")), "nothing to try");
  await rm(join(dataDir, "secrets.key"));
  const lost = about(await all(), "credentials of acme");
  assert.deepEqual([lost.state, /cannot be opened/.test(lost.say)], ["problem", true]);
});

test("B1.2 a store that another process works with is not read, and its port is its own", async (t) => {
  const port = await freePort();
  const { all, dataDir } = await clinic(t, { listen: `127.0.0.1:${port}` });
  await stock(dataDir, "acme");
  const store = await createSqliteStore({ path: join(dataDir, "state.db"), clock });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const names = await readdir(dataDir);
  const seen = await all();
  assert.match(about(seen, "state.db").say, /another process works with it/);
  assert.deepEqual(
    [about(seen, `:${port}`).state, about(seen, "accounts").state],
    ["ok", "skipped"],
  );
  assert.deepEqual(await readdir(dataDir), names);
  const hints = { index: "placements/iad", afterKey: "", hintsMax: 10 };
  const call = { signal: AbortSignal.timeout(10_000) };
  assert.equal((await store.listHints(hints, call)).length, 1, "whoever works with it, works on");
  await store.close();
  const taken = about(await all(), `:${port}`);
  assert.deepEqual([taken.state, /EADDRINUSE/.test(taken.say)], ["problem", true]);
  await new Promise((resolve) => server.close(resolve));
});

test("B1.2 what is no store, no folder, or was written in the future is a problem", async (t) => {
  const { all, dataDir } = await clinic(t);
  await writeFile(join(dataDir, "state.db"), "no database at all\n".repeat(99), { mode: 0o600 });
  assert.match(about(await all(), "state.db").say, /cannot be opened: .*not a database/);
  await rm(join(dataDir, "state.db"));
  await stock(dataDir, "acme");
  const tomorrow = new Date(Date.now() + 86_400_000);
  await utimes(join(dataDir, "state.db"), tomorrow, tomorrow);
  const back = about(await all(), "clock");
  assert.deepEqual([back.state, /NTP/.test(back.fix ?? "")], ["problem", true]);
  await rm(dataDir, { recursive: true });
  assert.match(about(await all(), dataDir).say, /first start makes it/);
  await writeFile(dataDir, "");
  assert.equal(about(await all(), dataDir).say, "is not a folder");
});

test("B1.2 a certificate that is over or soon over, and a key of another, are told", async (t) => {
  const tls = { certFile: "server.pem", keyFile: "server.key" };
  const { all, folder, config } = await clinic(t, { tls });
  await writeFile(join(folder, tls.certFile), certificate);
  await writeFile(join(folder, tls.keyFile), certificateKey, { mode: 0o600 });
  const good = await all();
  assert.match(about(good, "server.pem").say, /valid until 2120/);
  assert.match(about(good, "server.key").say, /certificate's key, for its owner alone/);
  await chmod(join(folder, tls.keyFile), 0o644);
  assert.equal(about(await all(), "server.key").state, "warning");
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const other = privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(join(folder, tls.keyFile), other);
  assert.match(about(await all(), "server.key").say, /not the certificate's key/);
  const settings = settingsOf(await readConfig(config), {});
  for (const [date, state] of [
    ["2130-01-01", "problem"],
    ["2119-12-20", "warning"],
    ["2019-01-01", "problem"],
  ] as const) {
    const told = await examineDoor(settings, { nowMs: Date.parse(date), isRunning: false });
    const [, first] = told;
    assert.equal(first?.state, state, first?.say);
  }
  await rm(join(folder, tls.certFile));
  assert.equal(about(await all(), "server.pem").state, "problem");
});

test("B1.2 each colo's drivers are loaded as far as nothing starts, and fail each for itself", async (t) => {
  const colos = {
    iad: { cloud: { use: `file:${locked}`, options: { failing: true } } },
    dfw: { cloud: { use: "builtin:nothing" } },
    lon: {
      cloud: { use: "builtin:process", options: { portRange: { from: 3_000, to: 2_000 } } },
      loadBalancers: {
        use: "builtin:haproxy",
        options: { socket: "/nowhere/haproxy.sock", timeoutMs: 1_000 },
      },
    },
    ord: { cloud: { use: `file:${locked}`, options: { colour: "red" } } },
  };
  const { all } = await clinic(t, { colos });
  const byArea = new Map((await all()).map(({ area, diagnoses }) => [area, diagnoses]));
  const problems = (colo: string) =>
    (byArea.get(`colo ${colo}`) ?? []).filter(({ state }) => state === "problem");
  assert.match(problems("iad")[0]!.say, /fails: no licence/);
  assert.match(problems("dfw")[0]!.say, /refused at resolve/);
  const [ports, balancer] = problems("lon");
  assert.match(ports!.say, /ports 3000 to 2000/);
  assert.match(`${balancer!.say} ${balancer!.fix}`, /ENOENT.*level admin/);
  assert.deepEqual(problems("ord")[0]?.subject, "colos.ord.cloud.options.colour");
});

test("B1.2 the doctor's exit code is its problems', and its JSON has all of it", async (t) => {
  const { config, dataDir } = await clinic(t);
  await stock(dataDir, "acme", "bare");
  const written: string[] = [];
  const out = { write: (text: string) => void written.push(text) };
  assert.equal(await runDoctor({ config, accounts: [], json: false }, out, {}), 1);
  const text = written.splice(0).join("");
  assert.match(
    text,
    /\n {2}problem credentials of bare: none .*\n {10}to do: write them: musterctl/,
  );
  assert.match(text, /\nproblems: 1, warnings: 0, not looked at: 0\n$/);
  assert.equal(await runDoctor({ config, accounts: [], json: true }, out, {}), 1);
  const { areas, counts } = JSON.parse(written.join(""));
  assert.deepEqual([areas[0].area, counts.problem], ["configuration", 1]);
  assert.doesNotMatch(text + written.join(""), /that-nobody-may-read/);
});
