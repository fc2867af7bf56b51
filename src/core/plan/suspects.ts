import { serversWanted } from "../model/carried.js";
import { type Cause, cause } from "../model/cause.js";
import type { ServerRow } from "../model/server.js";
import { isCounted, leave } from "./lifecycle.js";
import { createRamp, fewOf } from "./losses.js";
import type { Sheet } from "./sheet.js";
import { staysForNow } from "./stays.js";

/** A server in service that is said to be ill, by others than the cloud's direct word. */
export interface Suspect {
  readonly row: ServerRow;
  readonly why: Cause;
}

/** More of a colo's servers than that, over several accounts, are not the groups' own trouble. */
const coloShareMax = 0.1;
const coloFewMax = 3;
const lookAgainMs = 30_000;

/**
 * Replaces suspected servers, unless too many are suspected at once: then it is likelier that who
 * suspects them is wrong, or that replacing them makes it worse, and a person is asked (B9.2).
 *
 * @param presumed servers that the cloud's listing has ill and that were not asked for directly.
 */
export function judgeSuspects(sheet: Sheet, suspects: readonly Suspect[], presumed: number): void {
  let known = 0;
  let leaving = 0;
  for (const row of sheet.seen.rows) {
    const isGoing = row.leaving?.code === "SUSPECTED";
    if (isGoing) leaving++;
    if (isGoing || (row.state === "inService" && row.inServiceAtMs !== undefined)) known++;
  }
  const suspected = suspects.length + presumed + leaving;
  sheet.setSuspicion({ known, suspected });
  const staying = suspects.filter(({ row, why }) => staysForNow(sheet, row, suspectedOf(row, why)));
  if (suspects.length === staying.length) return;
  const { nowMs } = sheet.seen;
  const held = heldFor(sheet, known, suspected);
  if (held && !sheet.isAcknowledged()) {
    sheet.askPerson(held);
    sheet.wakeAt(nowMs + lookAgainMs);
    return;
  }
  const failing = buildsFail(sheet);
  if (failing && !sheet.isAcknowledged()) {
    sheet.wait(failing);
    for (const { row, why } of suspects) sheet.wait(suspectedOf(row, why));
    return;
  }
  const ramp = createRamp(sheet, known, suspected - leaving);
  const concluded = suspects.slice(0, ramp.room());
  for (const one of concluded) replace(sheet, one);
  ramp.take(concluded.length);
  if (concluded.length === suspects.length) return;
  const facts = { lost: suspects.length - concluded.length, known, aMinute: ramp.aMinute };
  sheet.wait(cause("B9.2", "LOSSES_RAMPED", facts));
  sheet.wakeAt(Math.max(nowMs + 1_000, ramp.endsAtMs));
}

/** Why so many are not replaced; undefined: they may be. */
function heldFor(sheet: Sheet, known: number, suspected: number): Cause | undefined {
  const most = fewOf(known);
  if (suspected > most) return cause("B9.2", "UNHEALTHY_BRAKE", { suspected, known, most });
  const { elsewhere } = sheet.seen;
  if (!elsewhere || elsewhere.suspectedOfOtherAccounts === 0) return undefined;
  const all = { suspected: suspected + elsewhere.suspected, known: known + elsewhere.known };
  if (all.suspected <= Math.max(coloFewMax, all.known * coloShareMax)) return undefined;
  return cause("B9.2", "COLO_UNHEALTHY", { ...all, mine: suspected });
}

/**
 * Why whoever is given up now would not be replaced: the last builds failed, and the next one has
 * yet to show whether the cloud builds again.
 */
function buildsFail(sheet: Sheet): Cause | undefined {
  const { nowMs, doc, spec } = sheet.seen;
  const { backoff } = doc;
  if (!backoff) return undefined;
  const { failures, retryAtMs, reason } = backoff;
  const target = spec ? serversWanted(doc) : 0;
  const isShort = sheet.rows().filter(isCounted).length < target;
  if (nowMs >= retryAtMs && !isShort) return undefined;
  if (nowMs < retryAtMs) sheet.wakeAt(retryAtMs);
  return cause("B4.6", "BACKOFF", { failures, retryAtMs, fault: reason });
}

function suspectedOf({ id }: ServerRow, { code, facts }: Cause): Cause {
  const because = String(facts["because"] ?? code);
  return cause("B9.2", "SUSPECTED", { ...facts, server: id, because });
}

function replace(sheet: Sheet, { row, why }: Suspect): void {
  const now = sheet.row(row.id);
  const suspicion = suspectedOf(row, why);
  const drains = now.memberships.length > 0;
  sheet.event("server.failed", row.id, suspicion);
  sheet.put(leave(now, drains ? "drain" : "delete", suspicion, sheet.seen.nowMs));
}
