#!/usr/bin/env node
import { exitCode } from "./exit.js";
import { runMusterctl } from "./program.js";

const stop = new AbortController();
let stoppedCode: number = exitCode.ok;

/** The first signal ends the command in order; a second one finds no handler and ends the process. */
function stopWith(code: number): void {
  stoppedCode = code;
  stop.abort();
}
process.once("SIGINT", () => stopWith(exitCode.interrupted));
process.once("SIGTERM", () => stopWith(exitCode.terminated));
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // Whoever read us, `head` for one, has seen enough.
    if (error.code === "EPIPE") stopWith(exitCode.ok);
    else throw error;
  });
}

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
