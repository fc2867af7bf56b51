import { serversPerPlacementMax } from "../model/hard-limits.js";
import type { ServerId } from "../model/ids.js";
import type { PlacementDoc } from "../model/placement.js";
import type { RebuildOptions } from "../model/rebuild.js";
import { checkLives } from "./check-lives.js";
import { checkReceipts, checkSequences } from "./check-record.js";
import { type CommitSeen, counts, isPaused, type Ledger, partOf } from "./ledger.js";
import { type Violation, violation } from "./violation.js";

/**
 * Holds a commit that took effect against the promises (I1, I3–I7, I11), in other words than those
 * who made it. Costs what it changed; all rows are looked at only when servers are added.
 */
export function checkCommit(seen: CommitSeen): readonly Violation[] {
  return [
    ...checkCreates(seen),
    ...checkParts(seen),
    ...checkTarget(seen),
    ...checkRebuilt(seen),
    ...checkLives(seen),
    ...checkSequences(seen),
    ...checkReceipts(seen),
  ];
}

/** I3: creates are bounded at the commit (B9.3), and none are intended under a pause (B8.3). */
function checkCreates({ before, after, touched, events, surge }: CommitSeen): Violation[] {
  const fresh = touched.filter(
    (id) => !before.servers.has(id) && after.servers.get(id)?.state === "intended",
  );
  if (fresh.length === 0) return [];
  const found: Violation[] = [];
  let counted = 0;
  for (const row of after.servers.values()) if (counts(row)) counted++;
  const target = highestTarget(before, after, events);
  const rebuilds = Math.max(rebuildSurge(before.doc, target), rebuildSurge(after.doc, target));
  const most = target + Math.max(surge, rebuilds);
  const facts = { server: fresh[0]!, created: fresh.length, counted, target, surge: most - target };
  if (counted > most) found.push(violation("I3", "B9.3", fresh[0]!, facts));
  if (counted > serversPerPlacementMax + Math.max(surge, rebuilds))
    found.push(violation("I4", "B1.1", fresh[0]!, { ...facts, max: serversPerPlacementMax }));
  if (isPaused(before.doc, "create") && isPaused(after.doc, "create"))
    found.push(violation("I3", "B8.3", `${fresh[0]!}/paused`, { ...facts, paused: true }));
  return found;
}

/** What a rebuild that replaces servers may have beyond the target, in whole servers (B8.5). */
function rebuildSurge(doc: PlacementDoc | undefined, target: number): number {
  const { phase, options } = doc?.rebuild ?? {};
  if (options === undefined || (phase !== "rolling" && phase !== "rollingBack")) return 0;
  const most = Math.ceil(shareOf(options.surge, target));
  // It may always have one of both, or it would come to nothing.
  return most === 0 && shareOf(options.unavailable, target) < 1 ? 1 : most;
}

/** In servers, perhaps not whole ones. */
function shareOf(amount: RebuildOptions["surge"], target: number): number {
  return amount.kind === "servers" ? amount.servers : (amount.percent * target) / 100;
}

/** I8: what is paused alone begins with no row either: no server made, none chosen to leave (B8.1). */
function checkParts({ before, after, touched }: CommitSeen): Violation[] {
  const was = before.doc?.pausedProcesses;
  const { doc } = after;
  if (!was || !doc?.pausedProcesses) return [];
  return touched.flatMap((id) => {
    const old = before.servers.get(id);
    const now = after.servers.get(id);
    const isFresh = now?.state === "intended" && !old;
    const isChosen = now?.leaving !== undefined && old !== undefined && !old.leaving;
    if (!now || !(isFresh || isChosen)) return [];
    const part = partOf(isFresh ? "create" : "delete", now, doc);
    if (!part || !was[part] || !doc.pausedProcesses?.[part]) return [];
    return [violation("I8", "B8.3", `${id}/${part}`, { server: id, process: part })];
  });
}

/**
 * The highest target that stood while the commit was decided: a batch may raise it, have servers
 * intended for it, and lower it again.
 */
function highestTarget(before: Ledger, after: Ledger, events: CommitSeen["events"]): number {
  const told = events.flatMap(({ receipt, facts, colo }) => {
    const own = receipt?.placements.find((one) => one.colo === colo)?.newTarget;
    const target = facts["target"];
    return [own ?? 0, typeof target === "number" ? target : 0];
  });
  const carried = Math.max(carriedIn(before.doc), carriedIn(after.doc));
  const highest = Math.max(targetOf(before.doc), targetOf(after.doc), ...told);
  const max = Math.max(before.doc?.max ?? 0, after.doc?.max ?? 0);
  return Math.max(highest, Math.min(highest + carried, max));
}

/** Of other colos' shares, which never take it beyond its own max (B11.4). */
function carriedIn(doc: PlacementDoc | undefined): number {
  return (doc?.carried ?? []).reduce((sum, { servers }) => sum + servers, 0);
}

function targetOf(doc: PlacementDoc | undefined): number {
  return doc === undefined || doc.deleting ? 0 : doc.target;
}

/**
 * I4: whoever moves a target leaves it within the limits (B1.6), forced ones included while they
 * hold (B2.7), and never beyond the hard one (B1.1).
 */
function checkTarget({ before, after }: CommitSeen): Violation[] {
  const { doc } = after;
  if (!doc || doc === before.doc) return [];
  const moved = doc.target !== before.doc?.target;
  const limited = doc.min !== before.doc?.min || doc.max !== before.doc?.max;
  if (doc.deleting || !(moved || limited)) return [];
  // Force counts as it was when the target was decided; one decision may replace another's.
  const forced = [before.doc?.forced, doc.forced].filter(
    (one) => one !== undefined && one.expiresAtMs > doc.targetChangedAtMs,
  );
  const max = Math.max(doc.max, doc.min, ...forced.map((one) => one!.max ?? 0));
  const windowMax = doc.window?.max ?? before.doc?.window?.max ?? doc.min;
  const min = Math.min(doc.min, windowMax, ...forced.map((one) => one!.min ?? doc.min));
  const { target } = doc;
  const facts = { target, min, max, oldTarget: before.doc?.target ?? 0 };
  const key = `${doc.targetChangedAtMs}/${target}`;
  const whole = Number.isInteger(target) && target >= 0;
  if (target > serversPerPlacementMax)
    return [violation("I4", "B1.1", key, { ...facts, max: serversPerPlacementMax })];
  if (target > max || !whole) return [violation("I4", "B1.6", key, facts)];
  const lowered = target < (before.doc?.target ?? 0) || limited;
  if (target < min && lowered) return [violation("I4", "B1.6", key, facts)];
  return [];
}

/**
 * I12: whoever a rebuild takes out of service, as many go on serving as it may leave (B8.5). What
 * others take out in the same commit is theirs to answer for.
 */
function checkRebuilt({ before, after, touched, events }: CommitSeen): Violation[] {
  const served = (ledger: Ledger, id: ServerId) => ledger.servers.get(id)?.state === "inService";
  const taken = touched.filter((id) => {
    const old = before.servers.get(id);
    const now = after.servers.get(id);
    return !old?.leaving && now?.leaving?.code === "REBUILT" && old?.state === "inService";
  });
  if (taken.length === 0) return [];
  const guarded = taken.find((id) => before.servers.get(id)?.protected);
  if (guarded) return [violation("I12", "B4.4", guarded, { server: guarded, protected: true })];
  const { unavailable } = after.doc?.rebuild?.options ?? before.doc?.rebuild?.options ?? {};
  if (!unavailable) return [violation("I12", "B8.5", `${taken[0]!}/alone`, { server: taken[0]! })];
  const target = lowestTarget(before, after, events);
  const rest = new Set([...before.servers.keys(), ...after.servers.keys()]);
  let left = 0;
  for (const id of rest)
    if ((served(before, id) || served(after, id)) && !taken.includes(id)) left++;
  const fewest = target - Math.floor(shareOf(unavailable, target));
  if (left >= fewest) return [];
  return [violation("I12", "B8.5", taken[0]!, { server: taken[0]!, left, fewest, target })];
}

/** The lowest target that stood while the commit was decided. */
function lowestTarget(before: Ledger, after: Ledger, events: CommitSeen["events"]): number {
  const told = events.flatMap(({ facts }) => {
    const target = facts["target"];
    return typeof target === "number" ? [target] : [];
  });
  return Math.min(targetOf(before.doc), targetOf(after.doc), ...told);
}
