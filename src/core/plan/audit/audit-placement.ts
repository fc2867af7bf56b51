import { type Cause, cause } from "../../model/cause.js";
import type { Difference } from "../../model/difference.js";
import type { AccountId } from "../../model/ids.js";
import { auditIntention } from "./audit-intentions.js";
import { auditMembers } from "./audit-members.js";
import { auditBound } from "./audit-rows.js";
import { auditStrangers } from "./audit-strangers.js";
import { type Audited, type AuditSight, createFindings, type Findings } from "./findings.js";
import { matchServers } from "./match-servers.js";

/**
 * Holds a placement's ledger, the cloud's servers with its tags, and the members of its load
 * balancers against each other: every difference, why it is one, and what the turns will do about
 * it. What is on its way within its bounds is no difference. Pure, and changes nothing.
 */
export function auditPlacement(sight: AuditSight): Audited {
  const findings = createFindings(sight);
  auditMarks(findings);
  if (sight.cloud.kind === "listed") {
    const { byId, byIntention, unmatched } = matchServers(sight.rows, sight.cloud.servers);
    for (const row of sight.rows)
      if (row.cloudId === undefined) auditIntention(findings, row, byIntention.get(row.id));
      else auditBound(findings, row, byId.get(row.cloudId));
    auditStrangers(findings, unmatched);
  }
  auditMembers(findings);
  return findings.done();
}

/** What is said once of an account whose servers cannot be seen in this colo. */
export function notSeen(account: AccountId, why: Cause): Difference {
  const isDenied = why.code.startsWith("CREDENTIALS_");
  return { account, kind: "notSeen", cause: why, action: isDenied ? "forPerson" : "lookUp" };
}

function auditMarks({ add, sight: { doc } }: Findings): void {
  if (doc?.quarantine) {
    const { reason, sinceMs } = doc.quarantine;
    add("quarantined", cause("B9.5", "QUARANTINE", { reason, sinceAtMs: sinceMs }), "forPerson", {
      sinceMs,
    });
  }
  if (doc?.hold) {
    const told = doc.conditions.find(({ type }) => type === "held")?.causes[0];
    const why = told ?? cause("B9.2", "UNHEALTHY_BRAKE");
    add("held", why, "forPerson", { sinceMs: doc.hold.sinceMs });
  }
}
