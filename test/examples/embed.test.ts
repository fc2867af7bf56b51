import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { findProcesses } from "../../examples/demo/processes.js";
import { exampleAt, runExample } from "./programs.js";

test("the embedding example is short", async () => {
  const map = JSON.parse(await readFile(`${exampleAt("embed.js")}.map`, "utf8")) as {
    readonly sources: readonly string[];
  };
  const source = new URL(map.sources[0]!, `file://${exampleAt("embed.js")}`);
  const lines = (await readFile(source, "utf8")).trimEnd().split("\n");
  assert.ok(lines.length < 30, `${lines.length} lines`);
});

test("Muster runs in another program, scales to 3 and back to 0", async () => {
  const home = await mkdtemp(join(tmpdir(), "muster-embed-test-"));
  try {
    const { code, stdout, stderr } = await runExample("embed.js", { env: { TMPDIR: home } });
    assert.equal(code, 0, `${stderr}\n${stdout}`);
    const told = stdout.split("\n").map((line) => line.split(" ")[0]);
    const count = (type: string) => told.filter((one) => one === type).length;
    assert.equal(count("group.created"), 1);
    assert.equal(count("server.in_service"), 3);
    assert.equal(count("server.gone"), 3);
    assert.deepEqual(await readdir(home), [], "it cleans up");
    assert.deepEqual(await findProcesses(home), [], "no process is left");
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
