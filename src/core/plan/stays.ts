import { type Cause, type CauseCode, cause } from "../model/cause.js";
import { makerOf, pauseStops, processStopped } from "../model/pause.js";
import type { ServerRow } from "../model/server.js";
import { type Sheet, waitForBrake } from "./sheet.js";

/** What the cloud or others say of a server and may take back: nothing that is over for good. */
const passing: ReadonlySet<CauseCode> = new Set([
  "BUILD_TIMEOUT",
  "CLOUD_ERROR",
  "HOST_DOWN",
  "STOPPED",
  "SUSPECTED",
  "WAIT_EXPIRED",
]);

/**
 * Why no server can be had in the place of another now: paused, or a class of calls that it takes
 * is stopped.
 *
 * @param row undefined: one that has served.
 */
export function replacementStopped(
  { seen }: Pick<Sheet, "seen">,
  row?: ServerRow,
): Cause | undefined {
  const { doc, stopped, spec } = seen;
  const { paused } = doc;
  if (paused && (pauseStops(paused, "create") || pauseStops(paused, "delete")))
    return cause("B8.3", "PAUSED", { reason: paused.reason });
  const process = processStopped(doc, row ? makerOf(row) : "replacement");
  if (process) return process;
  const needsBalancer = spec !== undefined && spec.attachments.length > 0;
  return (
    stopped.get("create") ??
    stopped.get("delete") ??
    (needsBalancer ? stopped.get("loadBalancer") : undefined)
  );
}

/**
 * Whether a server stays for now in spite of a reason to give it up: there is no way back from
 * that, so while it could not be replaced only what is over for good is given up (B8.3, B9.1). Says
 * what it would be given up for, and what stops that.
 */
export function staysForNow(sheet: Sheet, row: ServerRow, why: Cause): boolean {
  const stop = passing.has(why.code) ? replacementStopped(sheet, row) : undefined;
  if (!stop) return false;
  if (stop.rule === "B8.3") sheet.wait(stop);
  else waitForBrake(sheet, stop);
  sheet.wait(why);
  return true;
}
