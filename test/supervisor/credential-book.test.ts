import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import type { LogFields } from "../../src/core/ports/log.js";
import type { SecretBox } from "../../src/core/ports/secret-box.js";
import type { Commit, Store } from "../../src/core/ports/store.js";
import { createKeyRing, createSecretBox } from "../../src/drivers/secrets-aes/index.js";
import { createMemoryStore, createStoreFaults } from "../../src/drivers/store-memory/index.js";
import { createCredentialBook } from "../../src/supervisor/credentials/credential-book.js";
import { createRandom, createSeededIds, createVirtualClock } from "../simulation/virtual-clock.js";

const acme = { account: "acme", colo: "iad" };
const by = { principal: "ann", signal: new AbortController().signal as AbortSignal };
const secret = { username: "muster", password: "hush-hush-1" };
const boxOf = (...keys: Uint8Array[]) => createSecretBox(createKeyRing(keys));
const key = randomBytes(32);

function createBench() {
  const clock = createVirtualClock();
  const faults = createStoreFaults();
  const commits: Commit[] = [];
  let reads = 0;
  const memory = createMemoryStore({
    ...{ clock, random: createRandom(1), faults },
    onCommit: (commit) => void commits.push(commit),
  });
  const store: Store = {
    ...memory,
    read(...args) {
      reads++;
      return memory.read(...args);
    },
  };
  const logged: string[] = [];
  const node = (box: SecretBox = boxOf(key), installation = "here") => {
    const note = (fields: LogFields, message: string) =>
      void logged.push(`${message} ${JSON.stringify(fields)}`);
    const log = { info: note, warn: note, error: note, debug: note };
    const book = createCredentialBook({
      ...{ store, box, clock, log, installation, ids: createSeededIds(7 + commits.length) },
    });
    return { book, iad: book.sourceOf("iad") };
  };
  async function run<Value>(work: Promise<Value>): Promise<Value> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    work.then(mark, mark);
    while (!settled) await clock.advance(1);
    return work;
  }
  return { clock, store, faults, commits, logged, node, run, reads: () => reads };
}

const fault = (reason: "CREDENTIALS_UNREADABLE" | "STORE_UNAVAILABLE", pattern: RegExp) =>
  function check(error: unknown) {
    assert.ok(isFault(error, reason), String(error));
    assert.match(error.message, pattern);
    return true;
  };

test("M9.4 what was written is read on every node; other accounts and colos have none", async () => {
  const { node, run } = createBench();
  const [one, two] = [node(), node()];
  const facts = await run(one.book.set(acme, secret, by));
  for (const { iad, book } of [one, two]) {
    assert.deepEqual(await run(iad.of("acme")), { revision: facts.revision, secret });
    assert.equal(await run(iad.of("other")), undefined);
    assert.equal(await run(book.sourceOf("ord").of("acme")), undefined);
    assert.deepEqual(await run(book.describe(acme, by.signal)), facts);
  }
  assert.equal(facts.setBy, "ann");
  assert.ok(!JSON.stringify(facts).includes("hush"));
});

test("M9.4 a rotation needs no restart: here at once, elsewhere within seconds", async () => {
  const { node, run, clock } = createBench();
  const [one, two] = [node(), node()];
  const first = await run(one.book.set(acme, secret, by));
  await run(two.iad.of("acme"));
  const second = await run(one.book.set(acme, { ...secret, password: "hush-hush-2" }, by));
  assert.notEqual(first.revision, second.revision);
  assert.equal((await run(one.iad.of("acme")))?.secret["password"], "hush-hush-2");
  await clock.advance(5_000);
  assert.equal((await run(two.iad.of("acme")))?.secret["password"], "hush-hush-2");
  assert.equal(await run(one.book.delete(acme, by.signal)), true);
  assert.equal(await run(one.book.delete(acme, by.signal)), false);
  assert.equal(await run(one.iad.of("acme")), undefined);
  await clock.advance(5_000);
  assert.equal(await run(two.iad.of("acme")), undefined);
});

test("M9.4 a thousand calls at once read the store once, and again after seconds", async () => {
  const { node, run, clock, reads } = createBench();
  await run(node().book.set(acme, secret, by));
  const { iad } = node();
  const ask = () => run(Promise.all(Array.from({ length: 1_000 }, () => iad.of("acme"))));
  await ask();
  await ask();
  assert.equal(reads(), 1);
  await clock.advance(5_000);
  await ask();
  assert.equal(reads(), 2);
});

test("M9.4 while the store is away the last known serve on; who knows none says so", async () => {
  const { node, run, clock, faults, logged } = createBench();
  const known = node();
  await run(known.book.set(acme, secret, by));
  faults.chance.unavailable = 1;
  for (let minute = 0; minute < 30; minute++) {
    await clock.advance(60_000);
    await assert.doesNotReject(run(known.iad.of("acme")));
    assert.deepEqual((await run(known.iad.of("acme")))?.secret, secret);
  }
  const fresh = node();
  await assert.rejects(run(fresh.iad.of("acme")), fault("STORE_UNAVAILABLE", /acme could not be/));
  assert.ok(faults.fired.unavailable > 30);
  assert.match(logged.join("\n"), /the last known serve/);
  faults.chance.unavailable = 0;
  faults.chance.slow = 1;
  faults.slowMs = 3_600_000;
  await clock.advance(10_000);
  const askedMs = clock.nowMs();
  assert.deepEqual((await run(known.iad.of("acme")))?.secret, secret);
  assert.ok(clock.nowMs() - askedMs <= 2_100, "a store that hangs is as good as none");
  assert.ok(faults.fired.slow > 0);
});

test("M9.4 a commit whose answer was lost is not lost, and not written twice", async () => {
  const { node, run, faults, commits } = createBench();
  const { book } = node();
  faults.chance.lostAfterCommit = 1;
  const facts = await run(book.set(acme, secret, by));
  assert.ok(faults.fired.lostAfterCommit > 0);
  assert.equal(commits.length, 1);
  faults.chance.lostAfterCommit = 0;
  faults.chance.lostBeforeCommit = 0.5;
  for (let count = 0; count < 10; count++) await run(book.set(acme, secret, by));
  assert.ok(faults.fired.lostBeforeCommit > 0);
  const last = await run(node().book.describe(acme, by.signal));
  assert.notEqual(last?.revision, facts.revision);
});

test("M9.4 no byte of the store tells the secret", async () => {
  const { node, run, commits } = createBench();
  await run(node().book.set(acme, secret, by));
  const written = JSON.stringify(commits);
  for (const text of Object.values(secret)) {
    assert.ok(!written.includes(text));
    assert.ok(!written.includes(Buffer.from(text).toString("base64").slice(0, 8)));
  }
});

/** Writes the row as it stands, or changed, into another account's or colo's place. */
async function move(
  store: Store,
  commit: Commit,
  to: string,
  change: (doc: Record<string, unknown>) => object = (doc) => doc,
): Promise<void> {
  const row = commit.puts[0]!;
  const value = JSON.stringify(change(JSON.parse(row.value)));
  const partition = { scope: "account", key: to } as const;
  const { revision } = await store.load(partition, "all", by);
  const order = { partition, expectedRevision: revision, commitId: `moved-${to}-${revision}` };
  const rest = { deletes: [], events: [], hints: [] };
  await store.commit({ ...order, ...rest, puts: [{ ...row, value }] }, by);
}

test("M9.4 a row that was moved to another account or colo opens for nobody", async () => {
  const { node, run, store, commits, logged } = createBench();
  const { book } = node();
  await run(book.set(acme, secret, by));
  await run(move(store, commits[0]!, "other/iad"));
  await run(move(store, commits[0]!, "acme/ord"));
  const cannot = fault("CREDENTIALS_UNREADABLE", /cannot be opened/);
  await assert.rejects(run(book.sourceOf("iad").of("other")), cannot);
  await assert.rejects(run(book.sourceOf("ord").of("acme")), cannot);
  await assert.rejects(run(node(boxOf(key), "there").iad.of("acme")), cannot);
  assert.deepEqual((await run(book.sourceOf("iad").of("acme")))?.secret, secret);
  assert.equal(logged.filter((line) => line.includes("cannot be opened")).length, 3);
});

test("M9.4 an altered row opens for nobody: neither who set it nor when can be forged", async () => {
  const { node, run, store, commits } = createBench();
  await run(node().book.set(acme, secret, by));
  const original = commits[0]!;
  for (const change of [
    { setBy: "mallory" },
    { setAtMs: 1 },
    { revision: "forged" },
    { sealed: { key: "0000000000000000", text: "AAAA" } },
  ]) {
    await run(move(store, original, "acme/iad", (doc) => ({ ...doc, ...change })));
    const { iad } = node();
    await assert.rejects(run(iad.of("acme")), fault("CREDENTIALS_UNREADABLE", /see the log/));
    await assert.rejects(run(iad.of("acme")), fault("CREDENTIALS_UNREADABLE", /see the log/));
  }
  await run(move(store, original, "acme/iad"));
  assert.deepEqual((await run(node().iad.of("acme")))?.secret, secret);
});

test("M9.4 a wrong key is told from a missing one, and the log names where keys are", async () => {
  const { node, run, logged } = createBench();
  await run(node().book.set(acme, secret, by));
  const wrong = node(boxOf(randomBytes(32)));
  await assert.rejects(run(wrong.iad.of("acme")), fault("CREDENTIALS_UNREADABLE", /see the log/));
  assert.match(logged.join("\n"), /cannot be opened .*is not in secretsKeys/);
  const young = node(boxOf(randomBytes(32), key));
  assert.deepEqual((await run(young.iad.of("acme")))?.secret, secret);
  const rotated = await run(young.book.set(acme, secret, by));
  assert.notEqual(rotated.key, (await run(node().book.set(acme, secret, by))).key);
});

test("M9.4 no new key hides that the one in use is lost", async () => {
  const { node, run } = createBench();
  const made: string[] = [];
  const box: SecretBox = {
    ...boxOf(key),
    name: "secrets.key",
    newestKey: async () => made[0],
    makeKey: async () => void made.push("k"),
  };
  await run(node(box).book.set(acme, secret, by));
  assert.equal(made.length, 1);
  made.length = 0;
  const set = node(box).book.set({ ...acme, account: "other" }, secret, by);
  await assert.rejects(run(set), fault("CREDENTIALS_UNREADABLE", /secrets\.key is missing/));
  assert.equal(made.length, 0);
});

test("M9.4 what an older key sealed is sealed anew, so that it can be retired", async () => {
  const { node, run, store, commits } = createBench();
  const [old, young] = [key, randomBytes(32)];
  const before = node(boxOf(old));
  const names = Array.from({ length: 30 }, (_, index) => `account-${index}`);
  for (const account of names) await run(before.book.set({ account, colo: "iad" }, secret, by));
  await run(before.book.set({ account: "account-1", colo: "iad2" }, secret, by));
  await run(before.book.delete({ account: "account-2", colo: "iad" }, by.signal));
  const revision = (await run(before.iad.of("account-0")))?.revision;
  const { book } = node(boxOf(young, old));
  assert.deepEqual(await run(book.reseal("iad", by.signal)), { resealed: 29, failed: 0 });
  const written = commits.length;
  assert.deepEqual(await run(book.reseal("iad", by.signal)), { resealed: 0, failed: 0 });
  assert.equal(commits.length, written, "once is enough");
  const after = node(boxOf(young));
  for (const account of names) {
    const held = await run(after.iad.of(account));
    assert.deepEqual(held?.secret, account === "account-2" ? undefined : secret);
  }
  assert.equal((await run(after.iad.of("account-0")))?.revision, revision, "no token is dropped");
  const elsewhere = after.book.sourceOf("iad2").of("account-1");
  await assert.rejects(run(elsewhere), fault("CREDENTIALS_UNREADABLE", /cannot be opened/));
  const row = commits.find(({ partition }) => partition.key === "account-1/iad2")!;
  await run(move(store, row, "account-3/iad"));
  const lost = node(boxOf(randomBytes(32)));
  assert.deepEqual(await run(lost.book.reseal("iad", by.signal)), { resealed: 0, failed: 29 });
});

test("M9.4 a rotation while old ones are sealed anew is not undone by it", async () => {
  const { node, run, store } = createBench();
  const young = randomBytes(32);
  await run(node().book.set(acme, secret, by));
  const rotated = { ...secret, password: "hush-hush-2" };
  const box = boxOf(young, key);
  const slow = node({
    ...box,
    async seal(text, bound) {
      // Between its reading and its writing, a person writes new ones.
      await node(boxOf(young, key)).book.set(acme, rotated, by);
      return box.seal(text, bound);
    },
  });
  await run(slow.book.reseal("iad", by.signal));
  assert.deepEqual((await run(node(boxOf(young)).iad.of("acme")))?.secret, rotated);
  assert.ok(
    (await run(store.load({ scope: "account", key: "acme/iad" }, "all", by))).revision >= 2,
  );
});
