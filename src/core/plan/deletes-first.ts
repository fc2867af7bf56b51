import { cause } from "../model/cause.js";
import { askedKey, type Observation } from "../model/observation.js";
import { callStopped } from "../model/pause.js";
import type { ServerRow } from "../model/server.js";
import { meaningOf } from "./cloud-status.js";
import { isInDoubt } from "./quarantine.js";
import type { Sheet } from "./sheet.js";

/**
 * So long creates wait for what leaves to be asked to go. Who starts or takes over asks anew, and
 * is given as long; a cloud that takes no deletes holds up nobody for longer (B4.11).
 */
export const deletesFirstMs = 30_000;

/**
 * How many of the servers that are to be made may be asked for now. What leaves counts no more, but
 * until the cloud was asked to delete it, it is there: with it there are never more than the
 * placement's max, or than it may have in a rebuild (B9.3). Says what waits.
 *
 * @param counted with those that the ledger does not know and that may be its own
 * @param allowed the target, and a rebuild's surge
 */
export function roomBesideDeletes(
  sheet: Sheet,
  creates: number,
  { counted, allowed }: { readonly counted: number; readonly allowed: number },
): number {
  const { seen } = sheet;
  const leaving = yetToBeDeleted(seen, sheet.rows());
  const most = mostOf(seen, allowed);
  const room = Math.max(0, most - counted - leaving.length);
  if (leaving.length === 0 || room >= creates) return creates;
  const untilMs = leaving.map((row) => askedByMs(seen, row));
  const facts = { waiting: creates - room, leaving: leaving.length, max: most };
  sheet.wait(cause("B9.3", "DELETES_FIRST", { ...facts, untilMs: Math.max(...untilMs) }));
  sheet.wakeAt(Math.min(...untilMs));
  return room;
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
  const going = new Set(cloud.servers.filter((one) => meaningOf(one) === "going").map(idOf));
  return leaving.filter(({ cloudId }) => !going.has(cloudId!));
}

const idOf = ({ id }: { readonly id: string }): string => id;

function askedByMs({ sinceMs }: Observation, row: ServerRow): number {
  return Math.max(sinceMs, row.deletingSinceMs ?? row.sinceMs) + deletesFirstMs;
}
