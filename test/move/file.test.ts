import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { isFault } from "../../src/core/errors/fault.js";
import { checkExport, readExport, writeExport } from "../../src/move/export-file.js";
import type { ExportRecord } from "../../src/move/records.js";
import { countTo, eventOf, placement, row } from "../contract/store-samples.js";
import { createTestFolder } from "../drivers/sqlite-files.js";

const header = { id: "export-1", madeAtMs: 1, installation: "here", colos: ["iad"] };
const web = placement("web");
const secret = "hush-hush-1";

const records: readonly ExportRecord[] = [
  ...countTo(300).map((n): ExportRecord => ({ kind: "event", event: eventOf(web, n) })),
  { kind: "partition", partition: web, lastSequence: 300 },
  { kind: "row", row: row("a", { secret }) },
  { kind: "row", row: { ...row("b", "é\n😀"), expiresAtMs: 7 } },
  { kind: "hint", hint: { index: "work/iad", key: "acme/web", value: "" } },
];

async function* each(all: readonly ExportRecord[]) {
  yield* all;
}

async function withFile(body: (file: string) => Promise<void>): Promise<void> {
  const folder = await createTestFolder();
  try {
    const file = folder.file("state.export");
    await writeExport(file, { header, records: each(records) }, async () => {});
    await body(file);
  } finally {
    await folder.remove();
  }
}

/** @returns what it says */
async function refusal(file: string): Promise<string> {
  const error = await checkExport(file).then(
    () => assert.fail("it was to be refused"),
    (reason: unknown) => reason,
  );
  assert.ok(isFault(error, "CONFIG_INVALID"), String(error));
  assert.doesNotMatch(error.message, new RegExp(secret));
  return error.message;
}

test("M3.2 an export says again what it was given, and is for its owner alone", async () => {
  await withFile(async (file) => {
    assert.deepEqual(await checkExport(file), header);
    const lines: unknown[] = [];
    for await (const line of readExport(file)) lines.push(line);
    const [first, ...rest] = lines;
    assert.deepEqual(first, { kind: "header", header });
    assert.deepEqual(rest, records);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });
});

test("M3.2 an export that is cut off anywhere is refused", async () => {
  await withFile(async (file) => {
    const bytes = await readFile(file);
    for (let length = 0; length < bytes.length; length += 37) {
      await writeFile(file, bytes.subarray(0, length));
      assert.match(await refusal(file), /cannot be read/);
    }
    const lines = gunzipSync(bytes).toString().split("\n");
    for (const kept of [0, 1, 5, lines.length - 3, lines.length - 2]) {
      await writeFile(
        file,
        gzipSync(
          lines
            .slice(0, kept)
            .map((one) => `${one}\n`)
            .join(""),
        ),
      );
      assert.match(await refusal(file), /it is cut off/);
    }
  });
});

test("M3.2 an export that was altered is refused, and its content not told", async () => {
  await withFile(async (file) => {
    const text = gunzipSync(await readFile(file)).toString();
    const lines = text.split("\n");
    const altered = [
      text.replace("event 7 of", "event 8 of"),
      [...lines.slice(0, 9), ...lines.slice(10)].join("\n"),
      [lines[0], ...lines].join("\n"),
      `${text}["hint","a","b","c"]\n`,
      text.replace('["row"', '["wor"'),
      text.replace('["row"', "[row"),
      lines.slice(1).join("\n"),
      text.replace('"muster-export",1', '"muster-export",2'),
      text.slice(0, -1),
      "just a text\n",
    ];
    for (const [index, one] of altered.entries()) {
      assert.notEqual(one, text, `alteration ${index} strikes`);
      await writeFile(file, gzipSync(one));
      await refusal(file);
    }
    await writeFile(file, text);
    assert.match(await refusal(file), /cannot be read: incorrect header check/);
  });
});

test("M3.2 what fails while it is written leaves no file, and none is overwritten", async () => {
  const folder = await createTestFolder();
  const file = folder.file("state.export");
  async function* broken(): AsyncGenerator<ExportRecord> {
    yield* records;
    throw new Error("the store is away");
  }
  const give = (content: AsyncIterable<ExportRecord>, isGood = async () => {}) =>
    writeExport(file, { header, records: content }, isGood);
  await assert.rejects(give(broken()), /the store is away/);
  await assert.rejects(
    give(each(records), () => Promise.reject(new Error("somebody works with it"))),
    /somebody works with it/,
  );
  assert.deepEqual(await readdir(dirname(file)), []);
  await writeFile(`${file}.part`, "another export is at work");
  await assert.rejects(give(each(records)), /EEXIST/);
  assert.equal(await readFile(`${file}.part`, "utf8"), "another export is at work");
  await folder.remove();
});
