import type { Group } from "../model/group.js";
import type { RebuildMark } from "../model/rebuild.js";
import type { ServerRow } from "../model/server.js";
import { meaningOf } from "./cloud-status.js";
import { isArriving, isCounted } from "./lifecycle.js";
import type { Sheet } from "./sheet.js";
import { createSuspicion, unhealthyIn } from "./suspicion.js";

/** A placement's counted servers, as a rebuild sees them (B8.5). */
export interface Fleet {
  /** Of which the rebuild is to rid the placement. */
  readonly outdated: readonly ServerRow[];
  /** Outdated ones that are left: protected, or still arriving from elsewhere. */
  readonly pinned: number;
  /** The others, in service or on their way. */
  readonly current: number;
  /** Current ones that have served for long enough. */
  readonly serving: number;
  /** All that serve, and would be missed. */
  readonly available: number;
}

export type Availability = (row: ServerRow) => boolean;

/**
 * Whether a server serves as far as can be seen. Stricter than "in service": what somebody
 * suspects, or the cloud does not show as ACTIVE, is not counted on when others are taken out.
 */
export function createAvailability(sheet: Sheet): Availability {
  const { cloud } = sheet.seen;
  const active = new Set<string | undefined>();
  if (cloud.kind === "listed")
    for (const server of [...cloud.servers, ...cloud.lookedUp.values()])
      if (typeof server === "object" && meaningOf(server) === "available") active.add(server.id);
  const suspicionOf = createSuspicion(sheet);
  const unhealthy = unhealthyIn(sheet);
  return (row) =>
    row.state === "inService" &&
    active.has(row.cloudId) &&
    suspicionOf(row) === undefined &&
    !row.memberships.some((one) => unhealthy.has(`${one.loadBalancer}|${one.host}:${one.port}`));
}

/**
 * How long a server must have served until it is believed (B8.5): before that it warms up, or
 * nobody may suspect it yet.
 */
export function provingMsOf({ warmUpMs, health }: Pick<Group, "warmUpMs" | "health">): number {
  return Math.max(warmUpMs, health?.bootGraceMs ?? 0);
}

/** Has served for long enough; looks again when it will have. */
export function hasServed(sheet: Sheet, row: ServerRow): boolean {
  if (row.state !== "inService") return false;
  const provenAtMs = (row.inServiceAtMs ?? row.sinceMs) + provingMsOf(sheet.seen.group);
  if (sheet.seen.nowMs >= provenAtMs) return true;
  sheet.wakeAt(provenAtMs);
  return false;
}

/** Of which servers the rebuild is to rid the placement: what it replaces, or on its way back. */
export function outdatedBy({ phase, revision }: RebuildMark): (row: ServerRow) => boolean {
  const isBack = phase === "rollingBack" || phase === "rolledBack";
  return (row) => (isBack ? row.launchRevision === revision : row.launchRevision < revision);
}

export function isPinned(row: ServerRow): boolean {
  return row.protected || isArriving(row);
}

export function fleetOf(sheet: Sheet, mark: RebuildMark, isAvailable: Availability): Fleet {
  const isOutdated = outdatedBy(mark);
  const counted = sheet.rows().filter(isCounted);
  const outdated = counted.filter(isOutdated);
  const current = counted.filter((row) => !isOutdated(row));
  const serving = current.filter((row) => hasServed(sheet, row) && isAvailable(row)).length;
  return {
    outdated,
    pinned: outdated.filter(isPinned).length,
    current: current.length,
    serving,
    available: serving + outdated.filter(isAvailable).length,
  };
}
