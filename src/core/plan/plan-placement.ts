import { serversWanted } from "../model/carried.js";
import { cause } from "../model/cause.js";
import { type Observation, type PlanLimits, takenKey } from "../model/observation.js";
import { callStopped, stopsAll } from "../model/pause.js";
import type { PlacementDoc } from "../model/placement.js";
import type { Plan } from "../model/plan.js";
import type { ServerRow } from "../model/server.js";
import { afterFailure } from "./backoff.js";
import { balance, nothing } from "./balance.js";
import { conditionsOf } from "./conditions.js";
import { besideDeletes } from "./deletes-first.js";
import { judgeRows } from "./judge.js";
import { isCounted, isLeaving, isPending } from "./lifecycle.js";
import { withRoom } from "./no-room.js";
import { orderLookMs, orphanDeletes } from "./orphans.js";
import { isDetached, planMembers } from "./plan-members.js";
import { judgeRebuild, prove } from "./proven.js";
import { agrees, isQuarantined, keepsRow, keepsSurplus } from "./quarantine.js";
import { followServing, planRebuild, tellStanding } from "./rebuild.js";
import { createSheet, type Sheet, waitForBrake } from "./sheet.js";
import { endStandingBy } from "./stand-by.js";
import { planTags } from "./tags.js";
import { vacantNow, withVacant } from "./vacancies.js";

/**
 * Plans a placement's next bounded move (B4, B5): pure, total, linear in the number of servers. The
 * plan of an achieved plan is empty; the same observation always gives the same plan.
 */
export function planPlacement(seen: Observation, limits: PlanLimits): Plan {
  const sheet = createSheet(seen);
  const target = seen.spec ? serversWanted(seen.doc) : 0;
  const mayAct = seen.cloud.kind === "listed" && !stopsAll(seen.doc.paused);

  if (seen.cloud.kind === "unavailable") {
    const isDenied = seen.cloud.cause.code.startsWith("CREDENTIALS_");
    sheet.wait(seen.cloud.cause);
    sheet.wakeAt(seen.nowMs + (isDenied ? deniedLookMs : limits.pollMs));
  }
  waitForBalancers(sheet, limits);
  waitForDonors(sheet);
  tellCarried(sheet);
  tellDemandHold(sheet);
  judgeRows(sheet, limits);
  judgeRebuild(sheet);

  const quarantine = isQuarantined(sheet) ? keepsSurplus(sheet) : undefined;
  if (quarantine) sheet.wait(quarantine);

  // What may have been lost is looked up before anything is concluded; nothing else moves till
  // then.
  const settled = sheet.out.lookUps.length === 0 && !sheet.out.held;
  let gap = nothing;
  prove(sheet);
  if (mayAct && settled) {
    endStandingBy(sheet);
    const rollout = planRebuild(sheet, target, limits);
    gap = balance(sheet, target, limits, rollout);
    planMembers(sheet, seen.spec?.attachments ?? [], limits);
    gap = besideDeletes(sheet, gap, rollout?.allowed ?? target);
    planDeletes(sheet);
    planOrphanDeletes(sheet);
    planTags(sheet);
    followServing(sheet);
  } else if (seen.doc.rebuild) tellStanding(sheet, seen.doc.rebuild);
  // What is made now goes by what was proven before.
  if (gap.choices.length === 0) prove(sheet);
  const rows = sheet.rows();
  // Also while all is under way: a successor finds the placement by the hint of this moment.
  if (rows.some((row) => isPending(row) || isLeaving(row)))
    sheet.wakeAt(seen.nowMs + limits.pollMs);

  // Asked once and not yet answered: that alone turns no condition.
  const onlyAsked =
    sheet.out.lookUps.length > 0 && seen.cloud.kind === "listed" && seen.cloud.lookedUp.size === 0;
  const backedOff = settleRebuild(sheet, settleMissing(sheet, settleBackoff(sheet)));
  const told = onlyAsked ? backedOff : settleHold(sheet, backedOff);
  const choices = told.backoff !== seen.doc.backoff && told.backoff ? [] : gap.choices;
  const replaces = Math.max(0, Math.min(gap.refilled - gap.returned, choices.length));
  const counted = rows.filter(isCounted).length + choices.length;
  const refilled = replaces + Math.min(gap.refilled, gap.returned);
  const placed = withVacant(told, vacantAfter(sheet, target - counted, refilled));
  const doc = onlyAsked ? placed : settleConditions(sheet, placed, target, mayAct && settled);
  const { changed, events, steps, lookUps, wakeAtMs, orphans, orphansGone } = sheet.out;
  return {
    doc,
    rows: [...changed].map((id) => sheet.row(id)),
    creates: choices.length,
    choices,
    replaces,
    createCause: gap.createCause,
    isShort: gap.isShort,
    withdraw: gap.withdraw,
    lookUps,
    steps,
    events,
    suspicion: sheet.out.suspicion,
    orphans,
    orphansGone,
    agrees: agrees(sheet),
    wakeAtMs,
  };
}

/** Never more than are missing: a lower target takes places away. */
function vacantAfter(sheet: Sheet, missing: number, refilled: number): number {
  const before = vacantNow(sheet, Number.POSITIVE_INFINITY);
  return Math.max(0, Math.min(missing, before - refilled));
}

/** Credentials are put right by people: who waits for that looks rarely (B9.7). */
const deniedLookMs = 30_000;

function waitForBalancers(sheet: Sheet, limits: PlanLimits): void {
  for (const [loadBalancer, view] of sheet.seen.balancers) {
    if (view.kind === "gone") sheet.wait(cause("B5.5", "LOAD_BALANCER_GONE", { loadBalancer }));
    if (view.kind === "unavailable") {
      sheet.wait(view.cause);
      sheet.wakeAt(sheet.seen.nowMs + limits.pollMs);
    }
  }
}

/** The turns look whether the max may be raised by now (B11.4). */
function waitForDonors({ seen, wait }: Sheet): void {
  const { max, raiseWaits } = seen.doc;
  if (!raiseWaits || !seen.spec) return;
  const facts = { colos: raiseWaits.join(", "), max, wanted: seen.spec.max };
  wait(cause("B11.4", "RAISE_WAITS", facts));
}

function tellCarried({ seen, wait }: Sheet): void {
  for (const { colo, servers, sinceMs } of seen.doc.carried ?? [])
    wait(cause("B11.4", "SHARE_CARRIED", { colo, servers, sinceAtMs: sinceMs }));
}

/** Scaling in waits where demand is not believed (B3.5); this is about decisions, not servers. */
function tellDemandHold({ seen, wait, wakeAt }: Sheet): void {
  const { demandHold } = seen.doc.groupMarks;
  if (demandHold === undefined || seen.nowMs >= demandHold.untilMs) return;
  wait(demandHold.why);
  wakeAt(demandHold.untilMs);
}

/** Servers whose end is decided and whose memberships are gone (B4.10, B5.3). */
function planDeletes(sheet: Sheet): void {
  const { nowMs, stopped } = sheet.seen;
  const brake = stopped.get("delete");
  const quarantine = keepsSurplus(sheet);
  const isAtWork = createAtWork(sheet.seen);
  for (const row of sheet.rows()) {
    if (row.state !== "deleting" || row.cloudId === undefined) continue;
    if (!isDetached(row, nowMs) || callStopped(sheet.seen.doc, "delete", row)) continue;
    if (quarantine && keepsRow(sheet, row, quarantine)) {
      sheet.wait(quarantine);
      continue;
    }
    if (brake) {
      waitForBrake(sheet, brake);
      continue;
    }
    if (row.tags === "foreign")
      sheet.wait(cause("B9.5", "TAGS_FOREIGN", { server: row.id, cloudId: row.cloudId }));
    const agedMs = nowMs - (row.deletingSinceMs ?? nowMs);
    if (agedMs >= deleteAgedMs) {
      const deletingAtMs = row.deletingSinceMs ?? nowMs;
      sheet.wait(cause("B4.10", "DELETE_AGED", { server: row.id, deletingAtMs }));
    }
    if (!isAtWork(row)) sheet.step({ kind: "delete", server: row.id, cloudId: row.cloudId });
  }
}

/** Whether the cloud has taken a server's delete a short while ago, and still shows the server. */
function createAtWork({ cloud, underWay }: Observation): (row: ServerRow) => boolean {
  let listed: ReadonlySet<string | undefined> | undefined;
  return ({ id, cloudId }) => {
    if (!underWay.has(takenKey(id))) return false;
    listed ??= new Set(cloud.kind === "listed" ? cloud.servers.map((one) => one.id) : []);
    return listed.has(cloudId);
  };
}

function planOrphanDeletes(sheet: Sheet): void {
  const { nowMs, stopped, orphans } = sheet.seen;
  const brake = stopped.get("delete");
  for (const step of orphanDeletes(orphans)) {
    if (sheet.out.orphansGone.includes(step.cloudId)) continue;
    if (brake) waitForBrake(sheet, brake);
    else sheet.step(step);
    sheet.wakeAt(nowMs + orderLookMs);
  }
}

/** A delete that the cloud has not confirmed for so long is reported (B4.10). */
export const deleteAgedMs = 15 * 60_000;

function settleBackoff(sheet: Sheet): PlacementDoc {
  const { nowMs, doc } = sheet.seen;
  const { failure, built } = sheet.out;
  const roomed = withRoom(sheet);
  const { backoff, ...rest } = roomed;
  if (failure) {
    const salt = `${doc.groupUid}/${doc.key.colo}`;
    const next = afterFailure(backoff, { nowMs, reason: failure.reason, salt });
    if (next === backoff) return roomed;
    sheet.wakeAt(next.retryAtMs);
    return { ...rest, backoff: next };
  }
  if (backoff && backoff !== doc.backoff) {
    sheet.wakeAt(backoff.retryAtMs);
    return roomed;
  }
  return built.length > 0 && backoff ? rest : roomed;
}

/** The document with what was found missing, and what was found that nobody knows of. */
function settleMissing(sheet: Sheet, doc: PlacementDoc): PlacementDoc {
  const { losses, quarantine, unproven } = sheet.out;
  if (!losses && !quarantine && !unproven) return doc;
  const { unproven: before, ...rest } = doc;
  const standing = unproven ?? before ?? [];
  return {
    ...rest,
    ...(losses ? { losses } : {}),
    ...(quarantine ? { quarantine } : {}),
    ...(standing.length > 0 ? { unproven: standing } : {}),
  };
}

/** The document with how far its rebuild is, and which launch revision has proven itself (B8.5). */
function settleRebuild({ seen, out }: Sheet, doc: PlacementDoc): PlacementDoc {
  const { rebuild, proven = doc.provenRevision } = out;
  if (!rebuild && proven === seen.doc.provenRevision) return doc;
  return {
    ...doc,
    ...(rebuild ? { rebuild } : {}),
    ...(proven === undefined ? {} : { provenRevision: proven }),
  };
}

/** A person who is asked is asked again (B9.2). */
const askAgainMs = 15 * 60_000;

/** The document with what waits for a person; asks at the beginning, and again and again. */
function settleHold(sheet: Sheet, doc: PlacementDoc): PlacementDoc {
  const { nowMs, cloud } = sheet.seen;
  const { holds } = sheet.out;
  const { hold, acknowledged, ...rest } = doc;
  const isOver = acknowledged && nowMs >= acknowledged.untilMs;
  if (acknowledged && !isOver) sheet.wakeAt(acknowledged.untilMs);
  const kept = acknowledged && !isOver ? { acknowledged } : {};
  if (holds.length === 0) {
    // While the cloud cannot be seen, nobody knows whether it is over.
    const stands = hold && cloud.kind !== "listed";
    return !stands && (hold || isOver) ? { ...rest, ...kept } : doc;
  }
  const isDue = !hold || nowMs >= hold.askedAtMs + askAgainMs;
  if (isDue) sheet.event("group.held", undefined, ...holds);
  const askedAtMs = isDue ? nowMs : hold.askedAtMs;
  sheet.wakeAt(askedAtMs + askAgainMs);
  if (!isDue && !isOver) return doc;
  return { ...rest, ...kept, hold: { sinceMs: hold?.sinceMs ?? nowMs, askedAtMs } };
}

/** The document with its conditions after this plan, and their edges as events. */
function settleConditions(
  sheet: Sheet,
  doc: PlacementDoc,
  target: number,
  seenAll: boolean,
): PlacementDoc {
  const { conditions, turned } = conditionsOf({
    nowMs: sheet.seen.nowMs,
    doc,
    target,
    rows: sheet.rows(),
    waits: sheet.out.waits,
    seen: seenAll,
  });
  for (const one of turned) {
    const turn = cause("B4.9", "CONDITION", { condition: one.type, holds: one.holds });
    sheet.event("group.condition", undefined, turn, ...one.causes);
  }
  return conditions === doc.conditions ? doc : { ...doc, conditions };
}

/** How many servers of each kind a placement has, for its status. */
export function countRows(rows: readonly ServerRow[]): {
  readonly inService: number;
  readonly pending: number;
  readonly leaving: number;
  readonly standingBy: number;
  readonly counted: number;
} {
  return {
    inService: rows.filter((row) => row.state === "inService").length,
    pending: rows.filter(isPending).length,
    leaving: rows.filter(isLeaving).length,
    standingBy: rows.filter((row) => row.state === "standingBy").length,
    counted: rows.filter(isCounted).length,
  };
}
