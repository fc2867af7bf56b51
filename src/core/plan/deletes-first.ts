import { cause } from "../model/cause.js";
import { askedKey, type Observation } from "../model/observation.js";
import { callStopped } from "../model/pause.js";
import type { ServerRow } from "../model/server.js";
import type { Balance } from "./balance.js";
import { meaningOf } from "./cloud-status.js";
import { isCounted } from "./lifecycle.js";
import { doubtedServers, isInDoubt } from "./quarantine.js";
import type { Sheet } from "./sheet.js";

/**
 * So long creates wait for what leaves to be asked to go. Who starts or takes over asks anew, and
 * is given as long; a cloud that takes no deletes holds up nobody for longer (B4.11).
 */
const deletesFirstMs = 30_000;

/**
 * The gap with as many creates as may be asked for now. What leaves counts no more, but until the
 * cloud was asked to delete it, it is there: with it there are never more than the placement's max,
 * or than it may have in a rebuild (B9.3). Says what waits.
 *
 * @param allowed the target, and a rebuild's surge
 */
export function besideDeletes(sheet: Sheet, gap: Balance, allowed: number): Balance {
  const { seen } = sheet;
  const asked = gap.choices.length;
  if (asked === 0) return gap;
  const leaving = yetToBeDeleted(seen, sheet.rows());
  const max = mostOf(seen, allowed);
  const counted = sheet.rows().filter(isCounted).length + doubtedServers(sheet);
  const room = Math.max(0, max - counted - leaving.length);
  if (leaving.length === 0 || room >= asked) return gap;
  const untilMs = leaving.map((row) => askedByMs(seen, row));
  const facts = { waiting: asked - room, leaving: leaving.length, max };
  sheet.wait(cause("B9.3", "DELETES_FIRST", { ...facts, untilMs: Math.max(...untilMs) }));
  sheet.wakeAt(Math.min(...untilMs));
  return { ...gap, choices: gap.choices.slice(0, room) };
}

/** The most that the placement's cloud may have at once, leaving servers that drain aside. */
export function mostOf({ doc }: Observation, allowed: number): number {
  return Math.max(allowed, doc.max);
}

/**
 * Servers that are to be deleted, and that the cloud was not asked to delete yet. What a person
 * stops goes on being there, and is waited for by nobody.
 */
export function yetToBeDeleted(
  seen: Observation,
  rows: readonly ServerRow[],
): readonly ServerRow[] {
  const { nowMs, doc, stopped, underWay, cloud } = seen;
  if (stopped.has("delete")) return [];
  const leaving = rows.filter(
    (row) =>
      row.state === "deleting" &&
      row.cloudId !== undefined &&
      nowMs < askedByMs(seen, row) &&
      !underWay.has(askedKey(row.id)) &&
      !callStopped(doc, "delete", row) &&
      !(doc.quarantine && isInDoubt(row, doc.quarantine)),
  );
  if (leaving.length === 0 || cloud.kind !== "listed") return leaving;
  const going = cloud.servers.filter((one) => meaningOf(one) === "going");
  const ids = new Set(going.map(({ id }) => id));
  return leaving.filter(({ cloudId }) => !ids.has(cloudId!));
}

function askedByMs({ nowMs, sinceMs }: Observation, row: ServerRow): number {
  // Clocks of nodes differ a little; one that is far off, or that went back, is not gone by.
  const latestMs = nowMs + deletesFirstMs;
  const known = [sinceMs, row.deletingSinceMs ?? row.sinceMs].filter((atMs) => atMs < latestMs);
  return Math.max(0, ...known) + deletesFirstMs;
}
