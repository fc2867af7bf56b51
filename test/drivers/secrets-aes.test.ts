import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isFault } from "../../src/core/errors/fault.js";
import { createKeyRing, createSecretBox } from "../../src/drivers/secrets-aes/index.js";
import { createKeyFile } from "../../src/drivers/secrets-aes/key-file.js";
import { makeFolder } from "./lb-helpers.js";

const unreadable = (pattern: RegExp) => (error: unknown) => {
  assert.ok(isFault(error, "CREDENTIALS_UNREADABLE"), String(error));
  assert.match(error.message, pattern);
  return true;
};

async function keyFileAt(t: TestContext) {
  const folder = await makeFolder();
  t.after(() => folder.remove());
  return join(folder.path, "secrets.key");
}

const line = (key: Uint8Array) => `${Buffer.from(key).toString("base64")}\n`;

test("M9.4 what was sealed opens where it was bound to, and nowhere else", async () => {
  const box = createSecretBox(createKeyRing([randomBytes(32)]));
  const sealed = await box.seal("hush, große 🔑", "acme/iad");
  assert.equal(await box.open(sealed, "acme/iad"), "hush, große 🔑");
  assert.doesNotMatch(Buffer.from(sealed.text, "base64").toString("latin1"), /hush/);
  await assert.rejects(box.open(sealed, "other/iad"), unreadable(/another installation, account/));
  await assert.rejects(box.open(sealed, ""), unreadable(/does not open it/));
});

test("M9.4 the same secret never looks the same twice", async () => {
  const box = createSecretBox(createKeyRing([randomBytes(32)]));
  const nonces = new Set<string>();
  for (let count = 0; count < 1_000; count++) {
    const { text } = await box.seal("same", "acme/iad");
    nonces.add(Buffer.from(text, "base64").subarray(0, 12).toString("hex"));
  }
  assert.equal(nonces.size, 1_000);
});

test("M9.4 a single altered bit, anywhere, is noticed", async () => {
  const box = createSecretBox(createKeyRing([randomBytes(32)]));
  const sealed = await box.seal("x", "acme/iad");
  const bytes = Buffer.from(sealed.text, "base64");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const altered = Buffer.from(bytes);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    const text = altered.toString("base64");
    await assert.rejects(box.open({ ...sealed, text }, "acme/iad"), unreadable(/altered/));
  }
  for (let length = 0; length < bytes.length; length++) {
    const text = bytes.subarray(0, length).toString("base64");
    await assert.rejects(box.open({ ...sealed, text }, "acme/iad"), unreadable(/altered/));
  }
});

test("M9.4 the first key encrypts, all decrypt, and new ones need no restart", async (t) => {
  const path = await keyFileAt(t);
  const [old, young] = [randomBytes(32), randomBytes(32)];
  await writeFile(path, `# of 2025\n\n${line(old)}`, { mode: 0o600 });
  const box = createSecretBox(createKeyFile(path));
  const first = await box.seal("one", "b");
  await writeFile(path, `${line(young)}${line(old)}`);
  const second = await box.seal("two", "b");
  assert.notEqual(first.key, second.key);
  assert.equal(await box.newestKey(), second.key);
  const other = createSecretBox(createKeyFile(path));
  assert.deepEqual([await other.open(first, "b"), await other.open(second, "b")], ["one", "two"]);
  await writeFile(path, line(young));
  const late = createSecretBox(createKeyFile(path));
  assert.equal(await late.open(second, "b"), "two");
  await assert.rejects(late.open(first, "b"), (error: Error) => {
    assert.ok(error.message.includes(path) && error.message.includes(first.key), error.message);
    return isFault(error, "CREDENTIALS_UNREADABLE");
  });
});

test("M9.4 the first key is made for its owner alone, once, whoever else makes one", async (t) => {
  const path = await keyFileAt(t);
  const boxes = Array.from({ length: 8 }, () => createSecretBox(createKeyFile(path)));
  assert.equal(await boxes[0]!.newestKey(), undefined);
  await assert.rejects(boxes[0]!.seal("x", "b"), unreadable(/no key in .*secrets\.key/));
  await Promise.all(boxes.map((box) => box.makeKey()));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const names = new Set(await Promise.all(boxes.map((box) => box.newestKey())));
  assert.equal(names.size, 1);
  const kept = await readFile(path, "utf8");
  assert.match(kept, /^[A-Za-z0-9+/]{43}=\n$/);
  await boxes[0]!.makeKey();
  assert.equal(await readFile(path, "utf8"), kept);
});

test("M9.4 a key file that others may read, or that is not one, is refused by its name", async (t) => {
  const path = await keyFileAt(t);
  const box = createSecretBox(createKeyFile(path));
  await writeFile(path, line(randomBytes(32)), { mode: 0o600 });
  for (const mode of [0o640, 0o604, 0o644, 0o660, 0o666]) {
    await chmod(path, mode);
    await assert.rejects(box.newestKey(), unreadable(/secrets\.key is open to others .*chmod 600/));
  }
  await chmod(path, 0o600);
  const secret = "not-a-key-but-secret";
  for (const [text, expected] of [
    ["", /holds no key/],
    ["# nothing\n", /holds no key/],
    [`${line(randomBytes(32))}${secret}\n`, /line 2: is not 32 bytes in base64/],
    [line(randomBytes(31)), /line 1: is not 32 bytes/],
    [line(randomBytes(32)).repeat(17), /more than 16 keys/],
  ] as const) {
    await writeFile(path, text);
    await assert.rejects(box.newestKey(), (error: Error) => {
      assert.ok(!error.message.includes(secret));
      return unreadable(expected)(error);
    });
  }
  const nowhere = createSecretBox(createKeyFile(join(path, "no", "folder")));
  await assert.rejects(nowhere.makeKey(), unreadable(/cannot be made/));
});

test("M9.4 keys that an embedder gives are checked as well", async () => {
  const short = createSecretBox(createKeyRing([randomBytes(16)]));
  await assert.rejects(short.newestKey(), unreadable(/every key must be of 32 bytes/));
  const none = createSecretBox(createKeyRing([]));
  await assert.rejects(none.makeKey(), unreadable(/holds no key/));
});
