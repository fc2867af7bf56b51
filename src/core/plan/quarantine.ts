import { type Cause, type CauseCode, cause } from "../model/cause.js";
import type { ServerId } from "../model/ids.js";
import type { QuarantineMark } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import { isLeaving } from "./lifecycle.js";
import type { Sheet } from "./sheet.js";

/**
 * A server with an intention that is newer than any that this ledger ever committed, and that no
 * row knows: the ledger went back, from a backup or to nothing. Its target is stale, too, so a
 * person has to confirm it before anything is scaled in or deleted (B9.5).
 */
export function ledgerWentBack(sheet: Sheet, claims: ServerId): void {
  if (!provesLoss(sheet, claims)) return;
  const { newestServer = "" } = sheet.seen.doc;
  const reason = "the cloud has servers that are newer than the ledger";
  sheet.setQuarantine({ sinceMs: sheet.seen.nowMs, reason });
  const facts = { reason, server: claims, newest: newestServer };
  sheet.event("group.quarantined", undefined, cause("B9.5", "QUARANTINE", facts));
}

/** Whether a server of that intention, which no row knows, is proof, and the first one. */
export function provesLoss(sheet: Sheet, claims: ServerId): boolean {
  const { newestServer } = sheet.seen.doc;
  if (isQuarantined(sheet) || newestServer === undefined) return false;
  // An id of another make was not ours to begin with: it proves nothing.
  const isAlike = newestServer === "" || claims.length === newestServer.length;
  return isAlike && claims > newestServer;
}

/** Whether a person has to confirm the ledger first. */
export function isQuarantined(sheet: Sheet): boolean {
  return (sheet.out.quarantine ?? sheet.seen.doc.quarantine) !== undefined;
}

/**
 * How many servers that the ledger does not know may be what it asked for, while it is in doubt
 * (B9.5).
 */
export function doubtedServers(sheet: Sheet): number {
  const { unknown, withheld } = sheet.out;
  return isQuarantined(sheet) ? unknown : withheld;
}

/** Why servers that only are too many are left alone for now; undefined: they need not be. */
export function keepsSurplus(sheet: Sheet): Cause | undefined {
  const needsPerson = sheet.out.quarantine ?? sheet.seen.doc.quarantine;
  if (needsPerson) {
    const { reason, sinceMs } = needsPerson;
    return cause("B9.5", "QUARANTINE", { reason, sinceAtMs: sinceMs, confirm: true });
  }
  const { doubt } = sheet.seen;
  return doubt && !agrees(sheet)
    ? cause("B9.5", "QUARANTINE", { reason: doubtReasons[doubt.why] })
    : undefined;
}

const doubtReasons = {
  start: "this node has only just started",
  takeOver: "this node has only just taken over",
  storeLost: "the store was away",
} as const;

/** What the ledger itself made since a person was asked for is in no doubt (B9.5). */
export function isInDoubt(row: ServerRow, { sinceMs }: QuarantineMark): boolean {
  return row.createdAtMs < sinceMs;
}

/** What makes way only because others are there in its stead. */
const spare: ReadonlySet<CauseCode> = new Set(["SURPLUS", "LATE_SURPLUS", "REBUILT"]);

/** Whether this row's delete waits. */
export function keepsRow(sheet: Sheet, row: ServerRow, surplus: Cause | undefined): boolean {
  if (!surplus) return false;
  const needsPerson = sheet.out.quarantine ?? sheet.seen.doc.quarantine;
  if (needsPerson) return isInDoubt(row, needsPerson);
  return row.leaving !== undefined && spare.has(row.leaving.code);
}

/**
 * Whether one complete listing, asked for after the doubt came up, and the ledger as it was read
 * after that agree: every bound row that stays was seen, and nothing is held or asked for (B9.5).
 */
export function agrees(sheet: Sheet): boolean {
  const { doubt, cloud, rows } = sheet.seen;
  if (!doubt?.isFresh || cloud.kind !== "listed") return false;
  if (sheet.out.held || sheet.out.lookUps.length > 0) return false;
  const listed = new Set(cloud.servers.map(({ id }) => id));
  return rows.every((row) => {
    if (row.cloudId === undefined || isLeaving(row) || listed.has(row.cloudId)) return true;
    const found = cloud.lookedUp.get(row.cloudId);
    // A server that is too young to be listed was bound by its own create's answer.
    return found === undefined ? row.state === "building" : found !== "unknown";
  });
}
