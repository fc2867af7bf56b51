import { type Cause, cause } from "../model/cause.js";
import type { LossWindow } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import type { Sheet } from "./sheet.js";

/** So many may vanish at once without raising a suspicion (B4.3). */
const lostMax = 3;
const lostShareMax = 0.2;
/** Share of the group that is concluded lost, and so replaced, within a minute (B9.2). */
const rampShare = 0.1;
const rampMs = 60_000;
const suspectLookMs = 30_000;

/**
 * Which of the servers that the cloud answers 404 for are concluded lost now. Few are, at once.
 * Many are a suspicion: each must be missing twice, and they are replaced at a ramp. All of them at
 * once says more about the credentials than about the servers: none is, until a person looks
 * (B9.7).
 */
export function concludeLosses(
  sheet: Sheet,
  gone: readonly ServerRow[],
  known: number,
): ReadonlySet<ServerRow["id"]> {
  if (gone.length === 0) return none;
  if (gone.length <= Math.max(lostMax, known * lostShareMax)) return idsOf(gone);
  const { nowMs, doc } = sheet.seen;
  const suspect: Cause = cause("B4.3", "LISTING_SUSPECT", { lost: gone.length, known });
  sheet.wait(suspect);
  sheet.wakeAt(nowMs + suspectLookMs);
  if (gone.length === known) {
    sheet.hold();
    return new Set();
  }
  const before: LossWindow =
    doc.losses && nowMs < doc.losses.sinceMs + rampMs
      ? doc.losses
      : { sinceMs: nowMs, concluded: 0 };
  const twice = gone.filter(
    (row) => row.missingSinceMs !== undefined && row.missingSinceMs < nowMs,
  );
  const room = Math.max(0, Math.ceil(known * rampShare) - before.concluded);
  const concluded = twice.slice(0, room);
  if (concluded.length > 0)
    sheet.setLosses({ ...before, concluded: before.concluded + concluded.length });
  return idsOf(concluded);
}

const none: ReadonlySet<ServerRow["id"]> = new Set();

function idsOf(rows: readonly ServerRow[]): ReadonlySet<ServerRow["id"]> {
  return new Set(rows.map((row) => row.id));
}
