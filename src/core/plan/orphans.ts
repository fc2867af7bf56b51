import { cause } from "../model/cause.js";
import type { CloudServerId, ServerId } from "../model/ids.js";
import type { Step } from "../model/observation.js";
import type { OrphanRow } from "../model/orphan.js";
import type { UnprovenMark } from "../model/placement.js";
import type { CloudServer } from "../model/server.js";
import { ledgerWentBack, provesLoss } from "./quarantine.js";
import type { Sheet } from "./sheet.js";
import { isOurs } from "./tags.js";

/** More are only counted. */
export const orphansMax = 100;

/** A server that look-ups say nothing of is a person's concern after that (B4.11). */
const unprovenMsMax = 5 * 60_000;
const lookAgainMs = 30_000;

/**
 * Servers that carry this placement's tags but belong to no row: copied tags, or a ledger that lost
 * them. They are reported, once each, and left for a person (B9.6). One that a direct look-up
 * denies, or has without these tags, is only a listing that lags behind.
 */
export function reportOrphans(sheet: Sheet, unmatched: readonly CloudServer[]): void {
  const { cloud, orphans: known, doc, nowMs } = sheet.seen;
  if (cloud.kind !== "listed") return;
  if (unmatched.length === 0 && known.size === 0 && !doc.unproven) return;
  const kept = new Set<CloudServerId>();
  const marks: UnprovenMark[] = [];
  for (const server of unmatched.slice(0, orphansMax)) {
    const found = cloud.lookedUp.get(server.id);
    const before = known.get(server.id);
    if (before) kept.add(server.id);
    // Reported while there was no such group: what it says of this ledger is asked anew.
    if (before && before.why !== "noSuchGroup") continue;
    if (found === undefined) sheet.lookUp(server.id);
    if (isDenied(server, found)) continue;
    const mark = doc.unproven?.find(({ cloudId }) => cloudId === server.id);
    const sinceMs = mark?.sinceMs ?? nowMs;
    if (typeof found === "object" || (found === "unknown" && nowMs >= sinceMs + unprovenMsMax)) {
      kept.add(server.id);
      report(sheet, server, before);
      continue;
    }
    if (found === "unknown") holdWhileUnheard(sheet, server);
    if (mark || found === "unknown") marks.push(mark ?? { cloudId: server.id, sinceMs });
  }
  forget(sheet, kept);
  settleUnproven(sheet, unmatched, kept, marks);
  const first = [...kept][0];
  if (first !== undefined)
    sheet.wait(cause("B9.6", "FOREIGN", { server: first, count: unmatched.length }));
  sheet.countUnknown(
    unmatched.filter((server) => !isDenied(server, cloud.lookedUp.get(server.id))).length,
  );
}

/** Whether a look-up has it no more, or not as this placement's any more: released since then. */
function isDenied({ ownership }: CloudServer, found: CloudServer | "gone" | "unknown" | undefined) {
  if (typeof found !== "object") return found === "gone";
  return ownership !== undefined && !isOurs(found, ownership);
}

/**
 * What may be a server of a ledger that went back takes the place of a new one until the cloud
 * says what it is: a fleet is not made twice because look-ups are not answered (B9.5).
 */
function settleUnproven(
  sheet: Sheet,
  unmatched: readonly CloudServer[],
  kept: ReadonlySet<CloudServerId>,
  marks: readonly UnprovenMark[],
): void {
  const { cloud, rows, doc, doubt, nowMs } = sheet.seen;
  if (cloud.kind !== "listed") return;
  const ids = new Set<string>(unmatched.length === 0 ? [] : rows.map(({ id }) => id));
  const withheld = unmatched.filter(({ id, ownership }) => {
    const found = cloud.lookedUp.get(id);
    const claims = ownership?.server ?? "";
    if (kept.has(id) || ids.has(claims) || (found ?? "unknown") !== "unknown") return false;
    return doubt !== undefined || provesLoss(sheet, claims as ServerId);
  });
  const before = doc.unproven ?? [];
  const same = marks.length === before.length && marks.every((one, at) => one === before[at]);
  sheet.setUnproven(same ? undefined : marks, withheld.length);
  if (marks.length > 0) sheet.wakeAt(nowMs + lookAgainMs);
  const [first] = withheld;
  if (first) sheet.wait(cause("B9.6", "FOREIGN", { server: first.id, count: withheld.length }));
}

/** A server that would prove the ledger lost, and cannot be asked for: nothing is made meanwhile. */
function holdWhileUnheard(sheet: Sheet, server: CloudServer): void {
  const claims = (server.ownership?.server ?? "") as ServerId;
  const isKnown = sheet.seen.rows.some(({ id }) => id === claims);
  if (!isKnown && provesLoss(sheet, claims)) sheet.hold();
}

function report(sheet: Sheet, server: CloudServer, before: OrphanRow | undefined): void {
  const { nowMs, rows } = sheet.seen;
  const claims = server.ownership?.server ?? "";
  const row: OrphanRow = {
    cloudId: server.id,
    name: server.name,
    firstSeenAtMs: before?.firstSeenAtMs ?? nowMs,
    claims,
    why: rows.some(({ id }) => id === claims) ? "copiedTag" : "unknownIntention",
  };
  sheet.putOrphan(row);
  if (!before) sheet.event("server.orphan", undefined, orphanCause(row));
  if (row.why === "unknownIntention") ledgerWentBack(sheet, claims as ServerId);
}

/** What persons ordered to be deleted, whoever was asked: the node at work carries it out (B9.6). */
export function orphanDeletes(
  orphans: ReadonlyMap<CloudServerId, OrphanRow>,
): readonly Extract<Step, { kind: "deleteOrphan" }>[] {
  return [...orphans.values()]
    .filter(({ deleteOrder }) => deleteOrder !== undefined)
    .map(({ cloudId }) => ({ kind: "deleteOrphan", cloudId }));
}

/** An order is kept at until the server is gone. */
export const orderLookMs = 5_000;

/** Why a person is told of it. */
export function orphanCause({ cloudId, claims, why }: OrphanRow) {
  return cause("B9.6", "FOREIGN", { server: cloudId, claims, why });
}

/** Those that the listing has no more are denied by the cloud itself first, or bound by now. */
function forget(sheet: Sheet, kept: ReadonlySet<CloudServerId>): void {
  const { cloud, orphans: known, rows } = sheet.seen;
  if (cloud.kind !== "listed" || known.size === 0) return;
  const bound = new Set(rows.map((row) => row.cloudId));
  for (const id of known.keys()) {
    if (kept.has(id)) continue;
    const found = cloud.lookedUp.get(id);
    if (bound.has(id) || found === "gone") sheet.forgetOrphan(id);
    else if (found === undefined) sheet.lookUp(id);
    else if (found !== "unknown" && found.ownership === undefined) sheet.forgetOrphan(id);
  }
}
