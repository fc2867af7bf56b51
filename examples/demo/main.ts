import { Command } from "commander";
import { runDemo } from "./demo.js";
import type { View } from "./view.js";
import { createJsonView, createLineView } from "./view-lines.js";
import { createPicture } from "./view-picture.js";

interface Flags {
  readonly keep?: boolean;
  readonly json?: boolean;
}

const flags = new Command("npm run demo --")
  .description("A group of processes scales out under load and back in after it.")
  .option("--keep", "leave the daemon and the group running, and say how to use and to end them")
  .option("--json", "one JSON object a line, the summary last")
  .parse()
  .opts<Flags>();

function chooseView(): View {
  if (flags.json) return createJsonView(process.stdout);
  return process.stdout.isTTY ? createPicture(process.stdout) : createLineView(process.stdout);
}

const stopping = new AbortController();
const hurrying = new AbortController();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => {
    if (interrupted) hurrying.abort(new Error("asked twice"));
    interrupted = true;
    stopping.abort(new Error(`${signal}: cleaning up`));
  });

const view = chooseView();
const outcome = await runDemo({
  view,
  keep: flags.keep === true,
  signal: stopping.signal,
  hurry: hurrying.signal,
});
view.end(outcome);
process.exitCode = interrupted ? 130 : outcome.summary.ok ? 0 : 1;
