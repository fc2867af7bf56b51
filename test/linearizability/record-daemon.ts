import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Daemon } from "../e2e/daemon.js";

/** In the daemon's folder. */
export const historyFile = "history.ndjson";

/**
 * The daemon's program for `openDaemon`, which writes down what it asks of Cassandra and what it is
 * answered. A line is there before the call that it tells of is made, so that a kill loses none.
 */
export const recordedMain = fileURLToPath(new URL("./recorded-main.js", import.meta.url));

/** The lines of all its lives so far. Those of several daemons together are one history. */
export async function historyOf({ folder }: Daemon): Promise<readonly string[]> {
  const text = await readFile(join(folder, historyFile), "utf8");
  return text.trimEnd().split("\n");
}
