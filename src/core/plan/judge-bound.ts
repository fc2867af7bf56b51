import { type Cause, cause } from "../model/cause.js";
import type { CloudServer, ServerRow } from "../model/server.js";
import { meaningOf, type StatusMeaning } from "./cloud-status.js";
import { isArriving, leave, move, withCloud } from "./lifecycle.js";
import { choiceFacts } from "./no-room.js";
import type { Sheet } from "./sheet.js";
import { staysForNow } from "./stays.js";

/** REBOOT, RESIZE and the like pass within this time, or are reported (B4.2). */
export const waitingMsMax = 10 * 60_000;

/** What the cloud's word for a server in service comes to. */
export type Verdict =
  | { readonly kind: "fine" }
  /** Nothing is wrong in the cloud: only others may have something against it. */
  | { readonly kind: "available" }
  | { readonly kind: "lost"; readonly why: Cause };

const fine: Verdict = { kind: "fine" };
const available: Verdict = { kind: "available" };

/** Holds a bound row against the cloud's server, and moves it where its life went on (B4.2). */
export function judgeBound(sheet: Sheet, row: ServerRow, server: CloudServer): Verdict {
  const { nowMs } = sheet.seen;
  const fresh = withCloud(row, server, nowMs);
  if (fresh !== row) sheet.put(fresh);
  const meaning = meaningOf(server);
  if (meaning === "unknown") warnUnheardOf(sheet, row, server);
  switch (row.state) {
    case "building":
      judgeBuilding(sheet, fresh, server, meaning);
      return fine;
    case "launching":
    case "inService":
    case "draining":
      return judgeRunning(sheet, fresh, meaning);
    default:
      return fine;
  }
}

function warnUnheardOf(sheet: Sheet, row: ServerRow, server: CloudServer): void {
  const unheardOf = cause("B4.2", "STATUS_UNHEARD_OF", { server: row.id, status: server.status });
  sheet.wait(unheardOf);
  if (row.cloudStatus !== server.status) sheet.event("group.condition", row.id, unheardOf);
}

function judgeBuilding(
  sheet: Sheet,
  row: ServerRow,
  server: CloudServer,
  meaning: StatusMeaning,
): void {
  const { nowMs, group } = sheet.seen;
  const statusSinceMs = row.cloudStatusSinceMs ?? row.sinceMs;
  if (meaning === "available") {
    sheet.put(move(row, "activate", nowMs));
    sheet.event("server.active", row.id);
    sheet.succeeded(row);
    return;
  }
  const stopped = meaning === "stopped" && nowMs >= statusSinceMs + group.stoppedGraceMs;
  if (stopped && staysForNow(sheet, row, stoppedCause(sheet, row))) return;
  const late = nowMs >= row.sinceMs + group.buildTimeoutMs;
  if (meaning === "failed" || meaning === "going" || stopped) {
    const fault = server.fault ?? `the cloud says ${server.status}`;
    if (meaning === "failed" && server.faultKind === "noCapacity" && !isArriving(row)) {
      const full = cause("B4.7", "NO_CAPACITY", { server: row.id, fault, ...choiceFacts(row) });
      sheet.noRoom(row, fault);
      giveUp(sheet, row, fault, full);
      return;
    }
    buildFailed(sheet, row, fault, cause("B4.2", "BUILD_ERROR", { server: row.id, fault }));
  } else if (late && (meaning === "building" || meaning === "stopped" || meaning === "hostDown")) {
    const timeoutMs = group.buildTimeoutMs;
    const timeout = cause("B4.2", "BUILD_TIMEOUT", { server: row.id, buildTimeoutMs: timeoutMs });
    if (staysForNow(sheet, row, timeout)) return;
    buildFailed(sheet, row, `not active after ${timeoutMs} ms`, timeout);
  } else if (meaning === "leftAlone") {
    // Somebody's doing, and counted: it is only told.
    const facts = { server: row.id, status: server.status, boundMs: group.buildTimeoutMs };
    if (late) sheet.wait(cause("B4.2", "WAIT_EXPIRED", facts));
    else sheet.wakeAt(row.sinceMs + group.buildTimeoutMs);
  } else if (meaning === "waiting") {
    const expired = boundWait(sheet, row);
    if (expired && !staysForNow(sheet, row, expired))
      buildFailed(sheet, row, `it stays in ${server.status}`, expired);
  }
}

function stoppedCause({ seen }: Sheet, { id }: ServerRow): Cause {
  return cause("B4.2", "STOPPED", { server: id, graceMs: seen.group.stoppedGraceMs });
}

function buildFailed(sheet: Sheet, row: ServerRow, reason: string, why: Cause): void {
  if (isArriving(row)) {
    sheet.wait(why);
    return;
  }
  sheet.failed(reason, why);
  giveUp(sheet, row, reason, why);
}

function giveUp(sheet: Sheet, row: ServerRow, reason: string, why: Cause): void {
  sheet.event("server.failed", row.id, why);
  sheet.put(leave({ ...row, fault: reason }, "delete", why, sheet.seen.nowMs));
}

/** Why the cloud's own word means that the server is of no use; undefined: it may be of some. */
export function illnessOf(row: ServerRow, server: CloudServer): Cause | undefined {
  const meaning = meaningOf(server);
  if (meaning === "failed") {
    const fault = server.fault ?? row.fault ?? server.status;
    return cause("B4.2", "CLOUD_ERROR", { server: row.id, fault });
  }
  return meaning === "hostDown" ? cause("B9.2", "HOST_DOWN", { server: row.id }) : undefined;
}

function judgeRunning(sheet: Sheet, row: ServerRow, meaning: StatusMeaning): Verdict {
  const { nowMs, group } = sheet.seen;
  const status = row.cloudStatus ?? "";
  /** Who serves is given up at the ramp; of the others nobody depends. */
  const lost = (why: Cause): Verdict => {
    if (row.leaving === undefined && staysForNow(sheet, row, why)) return fine;
    if (row.state === "inService") return { kind: "lost", why };
    if (isArriving(row) && meaning !== "going") {
      sheet.wait(why);
      return fine;
    }
    sheet.event("server.failed", row.id, why);
    sheet.put(leave(row, "delete", why, nowMs));
    return fine;
  };
  switch (meaning) {
    case "available":
      return available;
    case "going":
      return lost(cause("B4.2", "CLOUD_GONE", { server: row.id, status }));
    case "failed":
      return lost(cause("B4.2", "CLOUD_ERROR", { server: row.id, fault: row.fault ?? status }));
    case "hostDown":
      return lost(cause("B9.2", "HOST_DOWN", { server: row.id }));
    case "stopped": {
      const dueMs = (row.cloudStatusSinceMs ?? row.sinceMs) + group.stoppedGraceMs;
      const stopped = stoppedCause(sheet, row);
      if (row.state === "draining") return lost(stopped);
      if (group.stoppedServers === "keep") return fine;
      if (nowMs >= dueMs) return lost(stopped);
      sheet.wait(stopped);
      sheet.wakeAt(dueMs);
      return fine;
    }
    case "waiting": {
      const expired = boundWait(sheet, row);
      return expired ? lost(expired) : fine;
    }
    default:
      return fine;
  }
}

/**
 * A reboot, a resize: it passes by itself, or is reported.
 * @returns why it is to be replaced, where the group says so.
 */
function boundWait(sheet: Sheet, row: ServerRow): Cause | undefined {
  const dueMs = (row.cloudStatusSinceMs ?? row.sinceMs) + waitingMsMax;
  const facts = { server: row.id, status: row.cloudStatus ?? "", boundMs: waitingMsMax };
  if (sheet.seen.nowMs < dueMs) {
    sheet.wakeAt(dueMs);
    return undefined;
  }
  const expired = cause("B4.2", "WAIT_EXPIRED", facts);
  if (sheet.seen.group.overdueServers === "replace") return expired;
  sheet.wait(expired);
  return undefined;
}
