import { cause } from "../model/cause.js";
import type { PlacementKey } from "../model/ids.js";
import type { CloudServer, Ownership, ServerRow } from "../model/server.js";
import { meaningOf } from "./cloud-status.js";
import { isKept } from "./lifecycle.js";
import { isDetached } from "./plan-members.js";
import type { Sheet } from "./sheet.js";

/** The tags that a row's server carries: the same facts as the ledger's (M3.2). */
export function ownershipOf(installation: string, key: PlacementKey, row: ServerRow): Ownership {
  const { account, group, colo } = key;
  return { installation, account, group, colo, server: row.id, launchRevision: row.launchRevision };
}

/** Whether the tags prove the server to be this row's (B9.5). The launch revision proves nothing. */
export function isOurs({ ownership }: Pick<CloudServer, "ownership">, expected: Ownership) {
  return (
    ownership !== undefined &&
    isOfPlacement(ownership, expected) &&
    ownership.server === expected.server
  );
}

/** The cloud's clock may be behind ours by so much. */
const clockSkewMsMax = 5 * 60_000;

/** A server that was there before its intention is not its own, whatever its tags say (B9.6). */
export function isOlder({ createdAtMs }: CloudServer, row: ServerRow): boolean {
  return createdAtMs < row.createdAtMs - clockSkewMsMax;
}

/** Of servers with the same tags, the row's own: copies come later, or were there before it. */
export function ownAmong(
  found: readonly CloudServer[],
  expected: Ownership,
  row: ServerRow,
): CloudServer | undefined {
  return found
    .filter((one) => isOurs(one, expected) && !isOlder(one, row))
    .toSorted((a, b) => a.createdAtMs - b.createdAtMs)[0];
}

/**
 * What a server's tags say, held against the ledger's: `lost` may be put right from it; `foreign`
 * names another installation, account, group or colo, and is never overwritten.
 */
export function tagsSay(
  { ownership }: Pick<CloudServer, "ownership">,
  expected: Ownership,
): "right" | "lost" | "foreign" {
  if (ownership === undefined) return "lost";
  if (!isOfPlacement(ownership, expected)) return "foreign";
  const same =
    ownership.server === expected.server && ownership.launchRevision === expected.launchRevision;
  return same ? "right" : "lost";
}

function isOfPlacement(ownership: Ownership, expected: Ownership): boolean {
  return (
    ownership.installation === expected.installation &&
    ownership.account === expected.account &&
    ownership.group === expected.group &&
    ownership.colo === expected.colo
  );
}

/**
 * Notes on a bound row whether its server's tags are right. Those of a server that leaves are left
 * as they are: what somebody took the tags from meanwhile is not ours to delete (B9.5).
 *
 * @returns the row to go on with.
 */
export function judgeTags(sheet: Sheet, row: ServerRow, server: CloudServer): ServerRow {
  if (row.state === "releasing") return row;
  // A cloud that cannot tell a server's state cannot tell its tags either.
  if (meaningOf(server) === "unknown") return row;
  const { installation, doc } = sheet.seen;
  const say = tagsSay(server, ownershipOf(installation, doc.key, row));
  if (say === "right") return row.tags === undefined ? row : withTags(sheet, row, undefined);
  const facts = { server: row.id, cloudId: server.id };
  const why =
    say === "lost"
      ? cause("M3.2", "TAGS_LOST", facts)
      : cause("B9.5", "TAGS_FOREIGN", { ...facts, ...namedBy(server) });
  sheet.wait(why);
  if (row.tags === say || row.tags === "adopted") return row;
  if (say === "lost" && !isKept(row)) return row;
  sheet.event("server.tags_wrong", row.id, why);
  return withTags(sheet, row, say);
}

function namedBy({ ownership }: CloudServer) {
  return ownership ? { installation: ownership.installation, group: ownership.group } : {};
}

function withTags(sheet: Sheet, row: ServerRow, tags: ServerRow["tags"]): ServerRow {
  const { tags: _before, ...rest } = row;
  const next: ServerRow = tags === undefined ? rest : { ...rest, tags };
  sheet.put(next);
  return next;
}

/** A release that the cloud has not taken for so long is reported, as a delete is (B4.10). */
const releaseAgedMs = 15 * 60_000;

/** Asks for the tags of servers that lost them, and takes those of released ones away (B8.1). */
export function planTags(sheet: Sheet): void {
  const { nowMs } = sheet.seen;
  for (const row of sheet.rows()) {
    if (row.cloudId === undefined) continue;
    const { id: server, cloudId } = row;
    if (row.state === "releasing") {
      if (isDetached(row, nowMs)) sheet.step({ kind: "untag", server, cloudId });
      if (nowMs >= row.sinceMs + releaseAgedMs)
        sheet.wait(cause("B4.11", "RELEASE_AGED", { server, cloudId, releasingAtMs: row.sinceMs }));
    } else if (row.state === "deleting") {
      // Its tags are one of the two witnesses of its delete: they are not ours to make up (B9.5).
    } else if (row.tags === "lost" || row.tags === "adopted") {
      sheet.step({ kind: "tag", server, cloudId });
      sheet.wakeAt(nowMs + lostLookMs);
    }
  }
}

/** Work that is not forgotten over a restart; each look costs a look-up of the unlisted server. */
const lostLookMs = 15_000;
