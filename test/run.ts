import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

/**
 * Runs the compiled tests of the given folders below `test/`, or single ones of them, with Node's
 * own runner. Goes by the sources, so that what is left in `dist` of a deleted test is never run.
 *
 * Usage: node dist/test/run.js [--at-once FILES] (FOLDER|FILE.test.ts)…
 */
const { values, positionals: named } = parseArgs({
  // Node's own default leaves a core idle, half of a small machine.
  options: { "at-once": { type: "string", default: String(availableParallelism()) } },
  allowPositionals: true,
});

function testsOf(folder: string): readonly string[] {
  return readdirSync(join("test", folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => folder !== "." || !file.includes("/"))
    .map((file) => join(folder, file));
}

const files = named
  .flatMap((name) => (name.endsWith(".test.ts") ? [name] : testsOf(name)))
  .map((file) => join("dist", "test", file.replace(/\.ts$/, ".js")));
if (files.length === 0) {
  process.stderr.write(`no tests in ${named.join(", ") || "nothing"}\n`);
  process.exit(2);
}

/** Longer than any file takes: what a failed test left open must not keep all the rest waiting. */
const fileMsMax = 20 * 60_000;

const reporter = process.env["CI"] ? "spec" : "dot";
const child = spawn(
  process.execPath,
  [
    "--enable-source-maps",
    ...["--import", new URL("./untracked.js", import.meta.url).href],
    "--test",
    `--test-reporter=${reporter}`,
    `--test-concurrency=${values["at-once"]}`,
    `--test-timeout=${fileMsMax}`,
    ...files.sort(),
  ],
  { stdio: "inherit" },
);
child.on("exit", (code) => process.exit(code ?? 1));
