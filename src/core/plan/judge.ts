import { type Cause, cause } from "../model/cause.js";
import type { PlanLimits } from "../model/observation.js";
import { createKey } from "../model/observation.js";
import type { CloudServer, ServerRow } from "../model/server.js";
import { meaningOf } from "./cloud-status.js";
import { askFor, doubtsOf } from "./doubts.js";
import { judgeBound } from "./judge-bound.js";
import { bind, leave, move } from "./lifecycle.js";
import { concludeLosses, createRamp, fewOf, type Loss } from "./losses.js";
import { reportOrphans } from "./orphans.js";
import type { Sheet } from "./sheet.js";
import { replacementStopped, staysForNow } from "./stays.js";
import { judgeSuspects, type Suspect } from "./suspects.js";
import { createSuspicion } from "./suspicion.js";
import { isOlder, judgeTags } from "./tags.js";

/** How long an abandoned intention stays on record for a server that shows up late. */
export const abandonedKeptMs = 3 * 24 * 3_600_000;

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
  const doubts = doubtsOf(seen, byId, limits);
  if (doubts.isYoung) sheet.wakeAt(seen.nowMs + limits.pollMs);
  const suspicionOf = createSuspicion(sheet);
  const lost: Loss[] = [];
  const suspects: Suspect[] = [];
  let presumedMissing = 0;
  let presumedIll = 0;
  let stayingIll = 0;
  for (const row of seen.rows) {
    if (row.cloudId === undefined) {
      judgeIntention(sheet, row, byIntention.get(row.id), limits);
      continue;
    }
    const found = seen.cloud.lookedUp.get(row.cloudId);
    const why = doubts.ill.get(row);
    if (found === "gone" && (why || doubts.missing.has(row))) {
      const gone = cause("B4.3", "CLOUD_GONE", { server: row.id, cloudId: row.cloudId });
      if (row.state === "draining" || row.state === "standingBy") endDraining(sheet, row, gone);
      else lost.push({ row, why: gone });
    } else if (doubts.missing.has(row) && typeof found !== "object") {
      if (row.missingSinceMs !== undefined) presumedMissing++;
    } else if (why && found !== "gone" && staysForNow(sheet, row, why)) stayingIll++;
    else if (why && found === undefined) presumedIll++;
    else if (why && found === "unknown") suspects.push({ row, why });
    else {
      const server = typeof found === "object" ? found : byId.get(row.cloudId);
      const verdict = server && judgeBound(sheet, judgeTags(sheet, row, server), server);
      if (verdict?.kind === "lost") lost.push({ row, why: verdict.why });
      const ill = verdict?.kind === "available" ? suspicionOf(row) : undefined;
      if (ill) suspects.push({ row, why: ill });
    }
  }
  const { missing, ill } = doubts;
  // A stopped server is as lost as a missing one: all of them go at one ramp.
  const others = lost.filter(({ row }) => !missing.has(row) && !ill.has(row)).length;
  const doubted = missing.size + ill.size + others;
  const known = doubted === 0 ? 0 : seen.rows.filter(isRunning).length;
  const ramp = createRamp(sheet, known, doubted);
  const stays = replacementStopped(sheet) !== undefined;
  // Those that stay for now need not be asked for.
  askFor(sheet, stays ? { ...doubts, ill: noneIll } : doubts, ramp.room());
  if (missing.size > fewOf(known))
    sheet.wait(cause("B4.3", "LISTING_SUSPECT", { lost: missing.size, known }));
  concludeLosses(sheet, { lost, presumed: presumedMissing + presumedIll, known }, ramp);
  judgeSuspects(sheet, suspects, presumedIll + stayingIll);
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
  tellSlowBuilds(sheet);
}

/** A build that takes longer is waited for by name: large images are slow, and clouds may hang. */
const slowBuildMs = 60_000;

function tellSlowBuilds(sheet: Sheet): void {
  const { nowMs, group } = sheet.seen;
  const slow = sheet.rows().filter(({ state, sinceMs, cloudStatus: status }) => {
    if (state !== "building" || status === undefined) return false;
    return meaningOf({ status }) === "building" && nowMs >= sinceMs + slowBuildMs;
  });
  if (slow.length === 0) return;
  const sinceAtMs = Math.min(...slow.map((row) => row.sinceMs));
  const givenUpAtMs = sinceAtMs + group.buildTimeoutMs;
  sheet.wait(cause("B4.2", "BUILDING", { count: slow.length, sinceAtMs, givenUpAtMs }));
}

const noneIll: ReadonlyMap<ServerRow, Cause> = new Map();

function isRunning(row: ServerRow): boolean {
  return row.cloudId !== undefined && row.state !== "deleting";
}

function endDraining(sheet: Sheet, row: ServerRow, why: Cause): void {
  sheet.event("server.lost", row.id, why);
  sheet.put(leave(row, "delete", why, sheet.seen.nowMs));
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
    judgeBound(sheet, boundRow, server);
    return;
  }
  const givenUpAtMs = row.attempt.callDeadlineMs + limits.listingLagMs;
  const create = underWay.get(createKey(row.id));
  switch (row.state) {
    case "intended":
      if (row.attempt.id === attemptId && create !== undefined) {
        if (create === "queued" && limits.createsWait) sheet.wait(limits.createsWait);
        return;
      }
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
