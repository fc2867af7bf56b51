import { type Cause, cause } from "../../model/cause.js";
import type { DifferenceAction, DifferenceKind } from "../../model/difference.js";
import type { CloudServer, ServerRow } from "../../model/server.js";
import { meaningOf } from "../cloud-status.js";
import { waitingMsMax } from "../judge-bound.js";
import { isCounted, isKept } from "../lifecycle.js";
import { deleteAgedMs } from "../plan-placement.js";
import { ownershipOf, tagsSay } from "../tags.js";
import { type Findings, namesOf } from "./findings.js";

/** A row that is bound, against the server that the listing has for it. */
export function auditBound(
  findings: Findings,
  row: ServerRow,
  listed: CloudServer | undefined,
): void {
  const { cloud } = findings.sight;
  if (cloud.kind !== "listed" || row.state === "releasing" || row.cloudId === undefined) return;
  const found = cloud.lookedUp.get(row.cloudId);
  const server = listed ?? (typeof found === "object" ? found : undefined);
  if (server) auditTags(findings, row, server);
  if (row.state === "deleting") auditDelete(findings, row);
  else if (!server) auditMissing(findings, row, found);
  else if (isCounted(row)) auditStatus(findings, row, server);
}

function auditMissing(
  { add, lookUp, sight }: Findings,
  row: ServerRow,
  found: CloudServer | "gone" | "unknown" | undefined,
): void {
  const { cloud, nowMs, listingLagMs } = sight;
  if (cloud.kind !== "listed" || row.cloudId === undefined) return;
  const seenFromMs = row.state === "building" ? row.sinceMs : row.createdAtMs;
  if (cloud.askedAtMs < seenFromMs + listingLagMs) return;
  if (found === undefined) lookUp(row.cloudId);
  const sinceMs = row.missingSinceMs ?? nowMs;
  const names = namesOf(row);
  const notListed = cause("B4.3", "NOT_LISTED", names);
  if (found !== "gone") {
    add("missingInCloud", notListed, "lookUp", { ...names, sinceMs });
    return;
  }
  const gone = cause("B4.3", "CLOUD_GONE", names);
  const action = isCounted(row) ? givenUp({ sight }) : "note";
  add("missingInCloud", gone, action, { ...names, sinceMs });
}

/** While a hold stands, nobody is given up before a person has looked (B9.2). */
function givenUp({ sight: { doc, nowMs } }: Pick<Findings, "sight">): DifferenceAction {
  const isAcknowledged = doc?.acknowledged !== undefined && nowMs < doc.acknowledged.untilMs;
  return doc?.hold && !isAcknowledged ? "forPerson" : "replace";
}

function auditTags({ add, sight }: Findings, row: ServerRow, server: CloudServer): void {
  // A cloud that cannot tell a server's state cannot tell its tags either.
  if (meaningOf(server) === "unknown") return;
  const say = tagsSay(server, ownershipOf(sight.installation, sight.key, row));
  if (say === "right") return;
  const names = namesOf(row);
  if (say === "lost") {
    // Those of a server that leaves are left as they are (B9.5).
    const isMarked = row.tags === "adopted" || row.tags === "lost";
    const mayWrite = isKept(row) || (isMarked && row.state !== "deleting");
    const action = mayWrite ? "putRight" : "forPerson";
    add("tagsLost", cause("M3.2", "TAGS_LOST", names), action, names);
    return;
  }
  const { installation, group } = server.ownership!;
  const foreign = cause("B9.5", "TAGS_FOREIGN", { ...names, installation, group });
  add("tagsForeign", foreign, "forPerson", names);
}

function auditDelete({ add, sight }: Findings, row: ServerRow): void {
  const deletingAtMs = row.deletingSinceMs ?? row.sinceMs;
  if (sight.nowMs < deletingAtMs + deleteAgedMs) return;
  const isHeld =
    sight.doc?.quarantine !== undefined && row.createdAtMs < sight.doc.quarantine.sinceMs;
  const names = namesOf(row);
  const aged = cause("B4.10", "DELETE_AGED", { server: row.id, deletingAtMs });
  const action = isHeld || row.tags === "foreign" ? "forPerson" : "delete";
  add("deleteOverdue", aged, action, { ...names, sinceMs: deletingAtMs });
}

/** What the cloud's word for a server that counts comes to (B4.2). */
function auditStatus(findings: Findings, row: ServerRow, server: CloudServer): void {
  const { nowMs } = findings.sight;
  const { status } = server;
  const sinceMs = row.cloudStatus === status ? (row.cloudStatusSinceMs ?? row.sinceMs) : nowMs;
  const judged =
    judgeStatus(findings, row, server, sinceMs) ?? judgeProgress(findings, row, server);
  if (!judged) return;
  const { kind, why, action, ...more } = judged;
  findings.add(kind, why, action, { ...namesOf(row), sinceMs, ...more });
}

interface Judged {
  readonly kind: DifferenceKind;
  readonly why: Cause;
  readonly action: DifferenceAction;
  readonly untilMs?: number;
  readonly sinceMs?: number;
}

function judgeStatus(
  findings: Findings,
  row: ServerRow,
  server: CloudServer,
  sinceMs: number,
): Judged | undefined {
  const { nowMs, group } = findings.sight;
  const { status } = server;
  const ill = (why: Cause): Judged => ({ kind: "ill", why, action: givenUp(findings) });
  switch (meaningOf(server)) {
    case "failed": {
      const fault = server.fault ?? row.fault ?? status;
      return ill(cause("B4.2", "CLOUD_ERROR", { server: row.id, fault }));
    }
    case "hostDown":
      return ill(cause("B9.2", "HOST_DOWN", { server: row.id }));
    case "going":
      return ill(cause("B4.2", "CLOUD_GONE", { server: row.id, status }));
    case "stopped": {
      const graceMs = group?.stoppedGraceMs ?? 0;
      const why = cause("B4.2", "STOPPED", { server: row.id, graceMs });
      const isKept = row.state !== "building" && group?.stoppedServers === "keep";
      if (isKept) return { kind: "leftAlone", why, action: "nothing" };
      const untilMs = sinceMs + graceMs;
      return nowMs >= untilMs ? ill(why) : { kind: "ill", why, action: "waitUntil", untilMs };
    }
    case "waiting": {
      if (nowMs < sinceMs + waitingMsMax) return undefined;
      const why = cause("B4.2", "WAIT_EXPIRED", { server: row.id, status, boundMs: waitingMsMax });
      const isReplaced = group?.overdueServers === "replace";
      return { kind: "waitOverdue", why, action: isReplaced ? givenUp(findings) : "forPerson" };
    }
    case "leftAlone": {
      const why = cause("B4.2", "LEFT_ALONE", { server: row.id, status });
      return { kind: "leftAlone", why, action: "nothing" };
    }
    case "unknown": {
      const why = cause("B4.2", "STATUS_UNHEARD_OF", { server: row.id, status });
      return { kind: "statusUnheardOf", why, action: "nothing" };
    }
    default:
      return undefined;
  }
}

/** Servers on their way, which have the group's build timeout for it. */
function judgeProgress(
  { sight }: Findings,
  row: ServerRow,
  server: CloudServer,
): Judged | undefined {
  const buildTimeoutMs = sight.group?.buildTimeoutMs ?? 0;
  const { id, sinceMs, state } = row;
  if (sight.nowMs < sinceMs + buildTimeoutMs) return undefined;
  const kind = "buildOverdue";
  if (state === "building") {
    if (meaningOf(server) === "waiting") return undefined; // That wait has a bound of its own.
    const why = cause("B4.2", "BUILD_TIMEOUT", { server: id, buildTimeoutMs });
    return { kind, why, action: "replace", sinceMs };
  }
  if (state !== "launching") return undefined;
  const waits = cause("B4.11", "LAUNCH_WAITS", { server: id });
  const views = row.memberships.map(({ loadBalancer }) => sight.balancers.get(loadBalancer)?.kind);
  const action = views.includes("gone")
    ? "forPerson"
    : views.every((one) => one === "listed")
      ? "attach"
      : "lookUp";
  return { kind, why: waits, action, sinceMs };
}
