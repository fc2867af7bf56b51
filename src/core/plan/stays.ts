import { type Cause, type CauseCode, cause } from "../model/cause.js";
import { pauseStops } from "../model/pause.js";
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

/** Why no server can be replaced now: paused, or a class of calls that it takes is stopped. */
export function replacementStopped({ seen }: Pick<Sheet, "seen">): Cause | undefined {
  const { doc, stopped, spec } = seen;
  const { paused } = doc;
  if (paused && (pauseStops(paused, "create") || pauseStops(paused, "delete")))
    return cause("B8.3", "PAUSED", { reason: paused.reason });
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
export function staysForNow(sheet: Sheet, why: Cause): boolean {
  const stop = passing.has(why.code) ? replacementStopped(sheet) : undefined;
  if (!stop) return false;
  if (stop.code === "PAUSED") sheet.wait(stop);
  else waitForBrake(sheet, stop);
  sheet.wait(why);
  return true;
}
