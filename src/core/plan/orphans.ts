import { cause } from "../model/cause.js";
import type { CloudServerId } from "../model/ids.js";
import type { CloudServer } from "../model/server.js";
import type { Sheet } from "./sheet.js";

/** More are only counted. */
const orphansMax = 100;

/**
 * Servers that carry this placement's tags but belong to no row: copied tags, or a ledger that lost
 * them. They are reported and left for a person (B9.6). One that a direct look-up denies is only a
 * listing that lags behind.
 */
export function reportOrphans(sheet: Sheet, unmatched: readonly CloudServer[]): void {
  const { cloud, doc } = sheet.seen;
  if (cloud.kind !== "listed") return;
  const known = doc.orphans ?? [];
  const orphans: CloudServerId[] = [];
  for (const server of unmatched.slice(0, orphansMax)) {
    const found = cloud.lookedUp.get(server.id);
    if (known.includes(server.id)) orphans.push(server.id);
    else if (found === undefined) sheet.lookUp(server.id);
    else if (found !== "gone" && found !== "unknown") {
      orphans.push(server.id);
      sheet.event("server.orphan", undefined, cause("B9.6", "FOREIGN", { server: server.id }));
    }
  }
  if (orphans.length > 0)
    sheet.wait(cause("B9.6", "FOREIGN", { server: orphans[0]!, count: unmatched.length }));
  const same = orphans.length === known.length && orphans.every((id, index) => id === known[index]);
  if (!same) sheet.setOrphans(orphans);
}
