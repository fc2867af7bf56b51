import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tidyConsole } from "../../../src/core/explain/tidy-console.js";

const key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";

/** What a console says, and what is kept of it. */
const said: readonly [output: string, kept: string][] = [
  ["\r\n[  1.0] Linux version 6.1\r\n\r\nlogin: ", "[  1.0] Linux version 6.1\nlogin:"],
  ["a\tb\u0000c\u0007\u202ed", "a b c  d"],
  ["Kernel panic - not syncing: VFS", "Kernel panic - not syncing: VFS"],
  ["+ export DB_PASSWORD=hunter2", "+ export DB_PASSWORD [withheld]"],
  ["api_token: abc and more", "api_token [withheld]"],
  ["Authorization: Bearer abc", "Authorization [withheld]"],
  ["curl https://joe:hunter2@example.org/x", "curl https://[withheld]@example.org/x"],
  ["the passwords:\nroot:hunter2\nnext", "the passwords:\n[withheld]\nnext"],
  [
    `-----BEGIN RSA PRIVATE KEY-----\nshort\n${key}\n-----END RSA PRIVATE KEY-----\nnext`,
    "[withheld]\n[withheld]\n[withheld]\n[withheld]\n[withheld]",
  ],
  [`id ${"0af1".repeat(12)}.`, "id [withheld]."],
  ["uuid 0f8fad5b-d9cb-469f-a165-70867728950e", "uuid 0f8fad5b-d9cb-469f-a165-70867728950e"],
];

test("B4.6 of a console are kept its words, without control characters and what looks secret", () => {
  for (const [output, kept] of said) assert.equal(tidyConsole(output), kept);
});

test("B4.6 of a console is kept little, whatever it says", () => {
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
  assert.deepEqual(tidyConsole(lines.join("\n")).split("\n"), lines.slice(-20));
  assert.equal(tidyConsole("x y ".repeat(1_000)).length, 201);
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 5_000 }), (output) => {
      const kept = tidyConsole(output);
      assert.ok(kept.length <= 20 * 202);
      assert.ok(!/(?!\n)\p{Cc}/u.test(kept));
    }),
  );
});
