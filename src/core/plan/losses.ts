import { type Cause, cause } from "../model/cause.js";
import type { LossWindow } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import { leave } from "./lifecycle.js";
import type { Sheet } from "./sheet.js";

/** So many are given up at once; beyond it they are replaced at the ramp (B4.3, B9.2). */
const fewMax = 3;
const fewShare = 0.2;
/** Share of the group that is given up, and so replaced, within a minute (B9.2). */
const rampShare = 0.1;
const rampMs = 60_000;
const lookAgainMs = 30_000;

export function fewOf(known: number): number {
  return Math.max(fewMax, Math.floor(known * fewShare));
}

/** How many servers may be given up now, whatever for. */
export interface Ramp {
  readonly isFew: boolean;
  readonly aMinute: number;
  readonly endsAtMs: number;
  room(): number;
  take(count: number): void;
}

/** @param doubted so many are lost, or may be. */
export function createRamp(sheet: Sheet, known: number, doubted: number): Ramp {
  const { nowMs, doc } = sheet.seen;
  const before = sheet.out.losses ?? doc.losses;
  // Noted far in the future: by a clock that has gone back since. Nodes are a little apart.
  const agedMs = before ? Math.abs(nowMs - before.sinceMs) : Number.POSITIVE_INFINITY;
  const window: LossWindow = before && agedMs < rampMs ? before : { sinceMs: nowMs, concluded: 0 };
  let { concluded } = window;
  const aMinute = Math.max(1, Math.ceil(known * rampShare));
  // What is left of many is not few: it goes at the ramp to its end.
  const goesOn = before?.ramped === true && agedMs < 2 * rampMs;
  const isFew = !goesOn && doubted + concluded <= fewOf(known);
  const most = isFew ? fewOf(known) : aMinute;
  return {
    isFew,
    aMinute,
    endsAtMs: window.sinceMs + rampMs,
    room: () => Math.max(0, most - concluded),
    take(count) {
      if (count === 0) return;
      concluded += count;
      const ramped = isFew ? {} : { ramped: true };
      sheet.setLosses({ sinceMs: window.sinceMs, concluded, ...ramped });
    },
  };
}

/** A server that is lost by the cloud's own word, asked for directly. */
export interface Loss {
  readonly row: ServerRow;
  readonly why: Cause;
}

/**
 * Gives up what is lost for certain: few at once, many at the ramp, and then each only when it was
 * missing twice. Where the cloud has no projects, a whole account that is gone at once says more of
 * the credentials than of the servers: it is held until a person looks (B9.7).
 */
export function concludeLosses(
  sheet: Sheet,
  found: { readonly lost: readonly Loss[]; readonly presumed: number; readonly known: number },
  ramp: Ramp,
): void {
  const { lost, presumed, known } = found;
  const { nowMs, cloud } = sheet.seen;
  const gone = lost.filter(isDenied);
  const isBlind =
    cloud.kind === "listed" && cloud.project === undefined && cloud.accountServers === 0;
  if (isBlind && gone.length > 0 && !sheet.isAcknowledged()) {
    sheet.askPerson(cause("B9.7", "ACCOUNT_MISSING", { missing: gone.length + presumed }));
    sheet.wakeAt(nowMs + lookAgainMs);
    sheet.hold();
    for (const { row } of gone) noteMissing(sheet, row);
    return;
  }
  const certain = ramp.isFew ? lost : lost.filter((one) => isTwice(one, nowMs));
  const concluded = certain.slice(0, ramp.room());
  for (const one of concluded) giveUp(sheet, one);
  ramp.take(concluded.length);
  for (const { row } of gone)
    if (!concluded.some((one) => one.row === row)) noteMissing(sheet, row);
  const left = lost.length + presumed - concluded.length;
  if (left === 0) return;
  const facts = { lost: left, known, aMinute: ramp.aMinute };
  sheet.wait(cause("B9.2", "LOSSES_RAMPED", facts));
  sheet.wakeAt(Math.min(nowMs + lookAgainMs, Math.max(nowMs + 1_000, ramp.endsAtMs)));
}

/** The cloud has it no more; one that it shows on its way out is there to be seen. */
function isDenied({ why }: Loss): boolean {
  return why.code === "CLOUD_GONE" && why.facts["status"] === undefined;
}

function isTwice(loss: Loss, nowMs: number): boolean {
  const { row } = loss;
  if (!isDenied(loss)) return true;
  return row.missingSinceMs !== undefined && row.missingSinceMs < nowMs;
}

function giveUp(sheet: Sheet, { row, why }: Loss): void {
  sheet.event(why.code === "CLOUD_GONE" ? "server.lost" : "server.failed", row.id, why);
  sheet.put(leave(sheet.row(row.id), "delete", why, sheet.seen.nowMs));
}

function noteMissing(sheet: Sheet, row: ServerRow): void {
  const now = sheet.row(row.id);
  if (now.missingSinceMs === undefined) sheet.put({ ...now, missingSinceMs: sheet.seen.nowMs });
}
