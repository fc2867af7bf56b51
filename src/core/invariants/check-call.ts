import type { OperationClass } from "../model/colo.js";
import type { CloudServerId, PlacementKey, ServerId } from "../model/ids.js";
import type { PlacementDoc } from "../model/placement.js";
import type { CloudServer, Ownership, ServerRow } from "../model/server.js";
import { isPaused, type Ledger, partOf } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/** What was known of the brakes at the moment a call that changes something began. */
export interface GateSeen {
  readonly operation: OperationClass;
  /** Names the occasion: the same for all calls that one slip lets through. */
  readonly key: string;
  /** For how long the class's kill switch had been thrown; undefined: it was not. */
  readonly brakedForMs: number | undefined;
  /** Since when the switch had not been read (B9.1). */
  readonly switchAgeMs: number;
}

/**
 * After a second a kill switch must hold everywhere (B9.1). The gate goes by that very second and
 * is asked a moment before the call: half a second more tells a slip from a close call.
 */
export const switchBoundMs = 1_500;

/** I8: what is braked does not begin, and nothing is created while the switch is unread (B9.1). */
export function checkGate(seen: GateSeen): readonly Violation[] {
  const { operation, key, brakedForMs, switchAgeMs } = seen;
  const late = brakedForMs !== undefined && brakedForMs > switchBoundMs;
  const unread = operation === "create" && switchAgeMs > switchBoundMs;
  if (!late && !unread) return [];
  const facts = { operation, ...(late ? { brakedForMs } : {}), switchAgeMs };
  return [{ ...violation("I8", "B9.1", `${operation}/${key}`, facts), coloWide: operation }];
}

/** I8: nothing begins for a placement, or a part of its work, that is known to be paused (B8.3). */
export function checkPause(
  doc: PlacementDoc | undefined,
  operation: OperationClass | "tag",
  row?: ServerRow,
): readonly Violation[] {
  const process = doc && row && partOf(operation, row, doc);
  const alone = process && doc.pausedProcesses?.[process];
  if (alone) {
    const facts = { operation, process, principal: alone.principal };
    return [violation("I8", "B8.3", `${alone.sinceMs}/${process}`, facts)];
  }
  const paused = doc?.paused;
  if (!paused || !isPaused(doc, operation)) return [];
  const { sinceMs, principal } = paused;
  return [violation("I8", "B8.3", `${sinceMs}/${operation}`, { operation, principal })];
}

/** What the allowance was when a call began (B9.4). */
export interface AllowanceSeen {
  /** Names the occasion. */
  readonly key: string;
  readonly operation: string;
  /** Calls in flight, this one included. */
  readonly inFlight: number;
  /** The most that may have been, since the oldest call that may still have been let through. */
  readonly inFlightMax: number;
  /** For how long the circuit had been open; undefined: it was not. A probe is no open circuit. */
  readonly openForMs: number | undefined;
  /** Calls that were let through while it was closed have begun by then. */
  readonly graceMs: number;
  /** The class to stop for the colo. */
  readonly stops: OperationClass;
}

/** I9: a call that begins keeps within the allowance, and passes no open circuit (B9.4). */
export function checkAllowance(seen: AllowanceSeen): readonly Violation[] {
  const { key, operation, inFlight, inFlightMax, openForMs, graceMs, stops } = seen;
  const open = openForMs !== undefined && openForMs > graceMs;
  if (inFlight <= inFlightMax && !open) return [];
  const facts = { operation, inFlight, inFlightMax, ...(open ? { openForMs } : {}) };
  return [{ ...violation("I9", "B9.4", key, facts), coloWide: stops }];
}

export interface CreateSeen {
  readonly server: ServerId;
  /** As committed; undefined: the placement is not known. */
  readonly ledger: Ledger | undefined;
  /** How often this life has called for this intention before. */
  readonly callsBefore: number;
  /** The life that makes the call. */
  readonly attemptId: string;
}

/** I5: an intention is committed before its call, and called by its own attempt, once (B4.5). */
export function checkCreate(seen: CreateSeen): readonly Violation[] {
  const { server, ledger, callsBefore, attemptId } = seen;
  const row = ledger?.servers.get(server);
  const facts = { server, state: row?.state ?? "", callsBefore };
  if (callsBefore > 0) return [violation("I5", "B4.5", `${server}/again`, facts)];
  if (row?.state !== "intended") return [violation("I1", "B4.5", `${server}/unrecorded`, facts)];
  if (row.attempt.id !== attemptId)
    return [violation("I5", "B4.5", `${server}/another's`, { ...facts, attempt: row.attempt.id })];
  return [];
}

/** The server as the cloud told of it last, and how long before the call. */
export interface Told {
  readonly server: CloudServer;
  readonly agoMs: number;
}

export interface DeleteSeen {
  readonly cloudId: string;
  readonly installation: string;
  readonly told: Told | undefined;
  /** The ledger of the placement that the tags name. */
  readonly ledger: Ledger | undefined;
}

/** A look that is older was not taken "right before" (B9.5). */
const witnessMsMax = 60_000;

/** I2: our tags on the server, read right before, and a row that is leaving and bound to it. */
export function checkDelete(seen: DeleteSeen): readonly Violation[] {
  const { cloudId, told, ledger } = seen;
  const tags = told?.server.ownership;
  const row = tags && ledger?.servers.get(tags.server as ServerId);
  const tagged = told !== undefined && told.agoMs <= witnessMsMax && isOurs(tags, seen);
  const ordered = ledger?.orphans?.get(cloudId as CloudServerId)?.deleteOrder !== undefined;
  const recorded = ordered || (row?.state === "deleting" && row.cloudId === cloudId);
  if (tagged && recorded) return [];
  const facts = { cloudId, tagged, recorded, server: tags?.server ?? "", state: row?.state ?? "" };
  return [violation("I2", "B9.5", cloudId, facts)];
}

function isOurs(tags: Ownership | undefined, { installation, ledger }: DeleteSeen): boolean {
  return tags?.installation === installation && ledger !== undefined && named(tags, ledger.key);
}

function named(tags: Ownership, key: PlacementKey): boolean {
  return tags.account === key.account && tags.group === key.group && tags.colo === key.colo;
}

export interface TagSeen extends DeleteSeen {
  readonly account: string;
  /** The tags to be; undefined: they are taken away. */
  readonly wanted: Ownership | undefined;
}

/**
 * I11: tags are written on the server of a row, and taken from one that is being released; those of
 * somebody else are never touched (B8.1, B9.5).
 */
export function checkTags(seen: TagSeen): readonly Violation[] {
  const { cloudId, wanted, told, ledger, installation, account } = seen;
  const row = [...(ledger?.servers.values() ?? [])].find((one) => one.cloudId === cloudId);
  const released = row?.state === "releasing";
  const recorded = row !== undefined && (wanted ? row.id === wanted.server : released);
  const tags = told?.server.ownership;
  const ours = tags?.installation === installation && tags.account === account;
  const looked = told !== undefined && told.agoMs <= witnessMsMax && (tags === undefined || ours);
  if (recorded && looked && !(wanted && released)) return [];
  const facts = { cloudId, recorded, looked, taken: wanted === undefined, state: row?.state ?? "" };
  return [violation("I11", "B9.5", `${cloudId}/tags`, facts)];
}
