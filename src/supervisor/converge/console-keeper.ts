import { stripVTControlCharacters } from "node:util";
import { consoleLinesMax, tidyConsole } from "../../core/explain/tidy-console.js";
import type { CauseCode } from "../../core/model/cause.js";
import { type CloudServerId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { ServerRow } from "../../core/model/server.js";
import type { Context } from "../context.js";
import { createRecent } from "../recent.js";

/**
 * Keeps what a failed server last said on its console, before its delete: on its row, and in an
 * event beside the one that tells of the failure (B4.6).
 *
 * @returns whether it was asked for; what it said is on record then, be it nothing.
 */
export type ConsoleKeeper = (
  key: PlacementKey,
  row: ServerRow,
  cloudId: CloudServerId,
) => Promise<boolean>;

/** Failures of what may have run before: where nothing was started, nothing was said. */
const failures: ReadonlySet<CauseCode> = new Set([
  "BUILD_ERROR",
  "CLOUD_ERROR",
  "STOPPED",
  "SUSPECTED",
]);

/** Servers that fail together fail of one thing: of each group one is asked in this time. */
const everyMs = 10_000;
/** No delete waits longer for what only helps people. */
const deadlineMs = 5_000;
const placementsMax = 10_000;

export function createConsoleKeeper(context: Context): ConsoleKeeper {
  const { clock, events, log } = context;
  const asked = createRecent<string, number>(placementsMax);

  return async (key, row, cloudId) => {
    const { consoleTail } = context.colos.get(key.colo)!.outside;
    if (!consoleTail || row.consoleTail !== undefined) return false;
    if (!row.leaving || !failures.has(row.leaving.code)) return false;
    const lastMs = asked.get(placementText(key));
    const nowMs = clock.monotonicMs();
    if (lastMs !== undefined && nowMs - lastMs < everyMs) return false;
    asked.set(placementText(key), nowMs);
    let tail = "";
    try {
      const request = { account: key.account, id: cloudId, linesMax: consoleLinesMax };
      tail = tidyConsole(stripVTControlCharacters(await consoleTail(request, { deadlineMs })));
    } catch (error) {
      log.debug({ ...key, server: row.id, error: String(error) }, "no console output");
    }
    await context.placements.open(key).change((state) => {
      const now = state.servers.get(row.id);
      if (now?.state !== "deleting" || now.cloudId !== cloudId)
        return { change: {}, reply: undefined };
      const facts = { cloudId, consoleTail: tail };
      const told = tail === "" ? [] : [events.ofRow("server.console", now, { facts })];
      const change = { servers: [{ ...now, consoleTail: tail }], events: told };
      return { change, reply: undefined };
    });
    return true;
  };
}
