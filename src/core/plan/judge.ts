import { cause } from "../model/cause.js";
import type { Observation, PlanLimits } from "../model/observation.js";
import { createKey } from "../model/observation.js";
import type { CloudServer, ServerRow } from "../model/server.js";
import { meaningOf } from "./cloud-status.js";
import { bind, leave, move, withCloud } from "./lifecycle.js";
import { concludeLosses } from "./losses.js";
import { reportOrphans } from "./orphans.js";
import type { Sheet } from "./sheet.js";
import { isOlder, judgeTags } from "./tags.js";

/** REBOOT, RESIZE and the like pass within this time, or are reported (B4.2). */
const waitingMsMax = 10 * 60_000;
/** How long an abandoned intention stays on record for a server that shows up late. */
const abandonedKeptMs = 3 * 24 * 3_600_000;

/** Holds every row against what the cloud says, and moves those whose life went on. */
export function judgeRows(sheet: Sheet, limits: PlanLimits): void {
  const { seen } = sheet;
  if (seen.cloud.kind !== "listed") return;
  const byId = new Map(seen.cloud.servers.map((server) => [server.id, server]));
  const bound = new Set(seen.rows.map((row) => row.cloudId));
  const byIntention = new Map<string, CloudServer>();
  const unbound: CloudServer[] = [];
  let rowOf: ReadonlyMap<string, ServerRow> | undefined;
  for (const server of seen.cloud.servers) {
    const intention = server.ownership?.server;
    // A second server with the same tag is a copy by someone else's hand; the older one is ours.
    if (bound.has(server.id)) continue;
    unbound.push(server);
    if (intention === undefined) continue;
    rowOf ??= new Map(seen.rows.map((row) => [row.id, row]));
    const row = rowOf.get(intention);
    if (row && isOlder(server, row)) continue;
    const other = byIntention.get(intention);
    if (!other || server.createdAtMs < other.createdAtMs) byIntention.set(intention, server);
  }
  const held = tooManySuspects(seen, byId);
  const found = seen.rows.map((row) => ({ row, server: serverOf(sheet, row, byId, limits) }));
  const gone = found.filter(({ server }) => server === "gone").map(({ row }) => row);
  const running = gone.length === 0 ? 0 : seen.rows.filter(isRunning).length;
  const lost = concludeLosses(sheet, gone, running);
  for (const { row, server } of found) {
    if (row.cloudId === undefined) judgeIntention(sheet, row, byIntention.get(row.id), limits);
    else if (server !== "gone")
      judgeBound(sheet, server ? judgeTags(sheet, row, server) : row, server, held);
    else if (lost.has(row.id)) concludeLost(sheet, row);
    else if (row.missingSinceMs === undefined) sheet.put({ ...row, missingSinceMs: seen.nowMs });
  }
  const open = new Set<string>();
  if (unbound.length > 0)
    for (const row of seen.rows) if (row.cloudId === undefined) open.add(row.id);
  reportOrphans(
    sheet,
    unbound.filter((server) => {
      const intention = server.ownership?.server ?? "";
      // What is bound already has its server: another one with its tags is a copy.
      return !open.has(intention) || byIntention.get(intention) !== server;
    }),
  );
}

function isRunning(row: ServerRow): boolean {
  return row.cloudId !== undefined && row.state !== "deleting";
}

function concludeLost(sheet: Sheet, row: ServerRow): void {
  const gone = cause("B4.3", "CLOUD_GONE", { cloudId: row.cloudId ?? "" });
  sheet.event("server.lost", row.id, gone);
  sheet.put(leave(row, "delete", gone, sheet.seen.nowMs));
}

function judgeIntention(
  sheet: Sheet,
  row: ServerRow,
  server: CloudServer | undefined,
  limits: PlanLimits,
): void {
  const { nowMs, attemptId, underWay } = sheet.seen;
  if (server) {
    const boundRow = bind(row, server, nowMs);
    if (row.state === "abandoned") {
      const late = cause("B4.5", "LATE_SURPLUS", { cloudId: server.id });
      sheet.put(leave(boundRow, "delete", late, nowMs));
      sheet.event("server.deleting", row.id, late);
      return;
    }
    sheet.put(boundRow);
    sheet.event("server.building", row.id, cause("B4.5", "ANSWER_LOST", { cloudId: server.id }));
    judgeBound(sheet, boundRow, server, undefined);
    return;
  }
  const givenUpAtMs = row.attempt.callDeadlineMs + limits.listingLagMs;
  switch (row.state) {
    case "intended":
      if (row.attempt.id === attemptId && underWay.has(createKey(row.id))) return;
      sheet.put(move(row, "lose", nowMs));
      sheet.event("server.unconfirmed", row.id, cause("B4.5", "ANSWER_LOST", {}));
      sheet.wakeAt(nowMs + limits.pollMs);
      return;
    case "unconfirmed":
      if (nowMs >= givenUpAtMs) sheet.step({ kind: "findIntention", server: row.id });
      sheet.wait(cause("B4.5", "ANSWER_LOST", { server: row.id, givenUpAtMs }));
      sheet.wakeAt(nowMs >= givenUpAtMs ? nowMs + limits.pollMs : givenUpAtMs);
      return;
    case "abandoned":
      if (nowMs >= row.sinceMs + abandonedKeptMs) sheet.put(move(row, "end", nowMs));
      return;
    default:
      return;
  }
}

/**
 * The cloud's server of a bound row: listed, or looked up; undefined when nothing can be said yet;
 * "gone" only by the cloud's own 404 (B4.3).
 */
function serverOf(
  sheet: Sheet,
  row: ServerRow,
  byId: ReadonlyMap<string, CloudServer>,
  limits: PlanLimits,
): CloudServer | "gone" | undefined {
  const { cloud } = sheet.seen;
  if (cloud.kind !== "listed" || row.cloudId === undefined) return undefined;
  const listed = byId.get(row.cloudId);
  if (listed) return listed;
  // Their own steps ask.
  if (row.state === "deleting" || row.state === "releasing") return undefined;
  const tooYoung = cloud.askedAtMs < row.createdAtMs + limits.listingLagMs;
  const boundLater =
    row.state === "building" && cloud.askedAtMs < row.sinceMs + limits.listingLagMs;
  if (tooYoung || boundLater) {
    sheet.wakeAt(sheet.seen.nowMs + limits.pollMs);
    return undefined;
  }
  const found = cloud.lookedUp.get(row.cloudId);
  if (found === undefined) sheet.lookUp(row.cloudId);
  return found === "unknown" ? undefined : found;
}

function judgeBound(
  sheet: Sheet,
  row: ServerRow,
  server: CloudServer | undefined,
  heldSuspects: number | undefined,
): void {
  const { nowMs } = sheet.seen;
  if (server === undefined) return;
  const fresh = withCloud(row, server, nowMs);
  if (fresh !== row) sheet.put(fresh);
  const meaning = meaningOf(server);
  if (meaning === "unknown") warnUnheardOf(sheet, row, server);
  switch (row.state) {
    case "building":
      judgeBuilding(sheet, fresh, server, meaning);
      return;
    case "launching":
    case "inService":
    case "draining":
      judgeRunning(sheet, fresh, meaning, heldSuspects);
      return;
    default:
      return;
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
  meaning: ReturnType<typeof meaningOf>,
): void {
  const { nowMs, group } = sheet.seen;
  const statusSinceMs = row.cloudStatusSinceMs ?? row.sinceMs;
  if (meaning === "available") {
    sheet.put(move(row, "activate", nowMs));
    sheet.event("server.active", row.id);
    sheet.succeeded();
    return;
  }
  const stopped = meaning === "stopped" && nowMs >= statusSinceMs + group.stoppedGraceMs;
  const late = nowMs >= row.sinceMs + group.buildTimeoutMs;
  if (meaning === "failed" || meaning === "going" || stopped) {
    const fault = server.fault ?? `the cloud says ${server.status}`;
    buildFailed(sheet, row, fault, cause("B4.2", "BUILD_ERROR", { server: row.id, fault }));
  } else if (late && (meaning === "building" || meaning === "stopped")) {
    const timeoutMs = group.buildTimeoutMs;
    const timeout = cause("B4.2", "BUILD_TIMEOUT", { server: row.id, buildTimeoutMs: timeoutMs });
    buildFailed(sheet, row, `not active after ${timeoutMs} ms`, timeout);
  } else if (meaning === "waiting") boundWait(sheet, row);
}

function buildFailed(
  sheet: Sheet,
  row: ServerRow,
  reason: string,
  why: ReturnType<typeof cause>,
): void {
  sheet.event("server.failed", row.id, why);
  sheet.failed(reason, why);
  sheet.put(leave({ ...row, fault: reason }, "delete", why, sheet.seen.nowMs));
}

function judgeRunning(
  sheet: Sheet,
  row: ServerRow,
  meaning: ReturnType<typeof meaningOf>,
  heldSuspects: number | undefined,
): void {
  const { nowMs, group } = sheet.seen;
  const sinceMs = row.cloudStatusSinceMs ?? row.sinceMs;
  const status = row.cloudStatus ?? "";
  const go = (why: ReturnType<typeof cause>) => {
    sheet.event("server.failed", row.id, why);
    sheet.put(leave(row, "delete", why, nowMs));
  };
  switch (meaning) {
    case "going":
      go(cause("B4.2", "CLOUD_GONE", { server: row.id, status }));
      return;
    case "failed":
      if (heldSuspects === undefined || row.state !== "inService")
        go(cause("B4.2", "CLOUD_ERROR", { server: row.id, fault: row.fault ?? status }));
      else sheet.wait(cause("B9.2", "UNHEALTHY_BRAKE", { suspected: heldSuspects }));
      return;
    case "stopped": {
      const dueMs = sinceMs + group.stoppedGraceMs;
      const stopped = cause("B4.2", "STOPPED", { server: row.id, graceMs: group.stoppedGraceMs });
      if (row.state === "draining") go(stopped);
      else if (group.stoppedServers === "keep") return;
      else if (nowMs >= dueMs) go(stopped);
      else {
        sheet.wait(stopped);
        sheet.wakeAt(dueMs);
      }
      return;
    }
    case "waiting":
      boundWait(sheet, row);
      return;
    default:
      return;
  }
}

/** A reboot, a resize: it passes by itself, or is reported. */
function boundWait(sheet: Sheet, row: ServerRow): void {
  const dueMs = (row.cloudStatusSinceMs ?? row.sinceMs) + waitingMsMax;
  const facts = { server: row.id, status: row.cloudStatus ?? "", boundMs: waitingMsMax };
  if (sheet.seen.nowMs < dueMs) sheet.wakeAt(dueMs);
  else sheet.wait(cause("B4.2", "WAIT_EXPIRED", facts));
}

/** How many servers in service are suspected, when that is too many to replace (B9.2). */
function tooManySuspects(
  seen: Observation,
  byId: ReadonlyMap<string, CloudServer>,
): number | undefined {
  if (seen.cloud.kind === "listed" && !seen.cloud.servers.some(isFailed)) return undefined;
  const served = seen.rows.filter((row) => row.state === "inService");
  const suspects = served.filter((row) => {
    const server = row.cloudId === undefined ? undefined : byId.get(row.cloudId);
    return server !== undefined && meaningOf(server) === "failed";
  });
  const most = Math.max(suspectsMax, served.length * suspectShareMax);
  return suspects.length > most ? suspects.length : undefined;
}

function isFailed(server: CloudServer): boolean {
  return meaningOf(server) === "failed";
}

const suspectsMax = 3;
const suspectShareMax = 0.2;
