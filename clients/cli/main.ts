#!/usr/bin/env node
import { exitCode } from "./exit.js";
import { runMusterctl } from "./program.js";

const stop = new AbortController();
let stoppedCode: number = exitCode.ok;

/** The first signal ends the command in order, the second one at once. */
function stopWith(code: number): void {
  if (stop.signal.aborted) process.exit(code);
  stoppedCode = code;
  stop.abort();
}
process.on("SIGINT", () => stopWith(exitCode.interrupted));
process.on("SIGTERM", () => stopWith(exitCode.terminated));
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever read us, `head` for one, has seen enough.
  if (error.code === "EPIPE") stopWith(exitCode.ok);
  else throw error;
});
process.stderr.on("error", () => {}); // Notes that nobody reads change nothing.

const { stdin, stdout, stderr, env } = process;
try {
  const code = await runMusterctl(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env,
    signal: stop.signal,
  });
  process.exitCode = stop.signal.aborted ? stoppedCode : code;
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.exitCode = stoppedCode;
}
