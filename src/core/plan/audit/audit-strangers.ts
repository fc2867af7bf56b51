import { cause } from "../../model/cause.js";
import type { CloudServer } from "../../model/server.js";
import type { Findings } from "./findings.js";

/**
 * Servers that carry this placement's tags and belong to no row of it (B9.6). One that a direct
 * look-up denies is only a listing that lags behind.
 */
export function auditStrangers(findings: Findings, unmatched: readonly CloudServer[]): void {
  const { cloud, orphans } = findings.sight;
  if (cloud.kind !== "listed") return;
  for (const server of unmatched) {
    const found = cloud.lookedUp.get(server.id);
    if (found === "gone") continue;
    if (found === undefined && !orphans.has(server.id)) findings.lookUp(server.id);
    auditStranger(findings, server, typeof found === "object");
  }
}

function auditStranger({ add, sight }: Findings, server: CloudServer, isProven: boolean): void {
  const { doc, rows, orphans } = sight;
  const claims = server.ownership?.server ?? "";
  const reported = orphans.get(server.id);
  const owner = rows.find(({ id }) => id === claims);
  const kind = doc === undefined ? "noSuchGroup" : owner ? "twoServers" : "notInLedger";
  const whys = {
    noSuchGroup: "noSuchGroup",
    twoServers: "copiedTag",
    notInLedger: "unknownIntention",
  } as const;
  const why = cause("B9.6", "FOREIGN", { server: server.id, claims, why: whys[kind] });
  // Nothing is done to it unasked; before it is reported, it is looked up.
  const waits = reported || isProven ? "forPerson" : "lookUp";
  add(kind, why, reported?.deleteOrder ? "delete" : waits, {
    ...(owner ? { server: owner.id } : {}),
    cloudId: server.id,
    sinceMs: reported?.firstSeenAtMs ?? server.createdAtMs,
  });
}
