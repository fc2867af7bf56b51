import { serversWanted } from "../model/carried.js";
import { type Cause, cause } from "../model/cause.js";
import type { ServerId } from "../model/ids.js";
import { launchOf, revisionInUse } from "../model/launches.js";
import type { PlanLimits } from "../model/observation.js";
import { createKey } from "../model/observation.js";
import { isScaledIn, processStopped } from "../model/pause.js";
import type { PlacementDoc } from "../model/placement.js";
import type { PlannedLaunch } from "../model/plan.js";
import type { ServerRow } from "../model/server.js";
import { chooseLaunches } from "./choose-launch.js";
import { isArriving, isCounted, move } from "./lifecycle.js";
import { triedWords, untilsOf, withRoom } from "./no-room.js";
import { provenIn } from "./proven.js";
import { doubtedServers, keepsSurplus } from "./quarantine.js";
import type { Rollout } from "./rebuild.js";
import { type Sheet, sendAway, waitForBrake } from "./sheet.js";
import { vacantNow } from "./vacancies.js";

export interface Balance {
  /** What each server to be made is made as. */
  readonly choices: readonly PlannedLaunch[];
  readonly createCause: Cause | undefined;
  readonly withdraw: readonly ServerId[];
  /** More are wanted than this turn may ask for. */
  readonly isShort: boolean;
  /** Places of lost servers that are filled, by those that return and then by new ones. */
  readonly refilled: number;
  readonly returned: number;
}

export const nothing: Balance = {
  choices: [],
  createCause: undefined,
  withdraw: [],
  isShort: false,
  refilled: 0,
  returned: 0,
};

/**
 * Closes the gap between the servers that count and the target, in either direction (B4.1); a
 * rebuild has more of them for a while, and says who goes first (B8.5).
 */
export function balance(
  sheet: Sheet,
  target: number,
  limits: PlanLimits,
  rollout?: Rollout,
): Balance {
  const counted = sheet.rows().filter(isCounted);
  const doubted = doubtedServers(sheet);
  const most = rollout?.allowed ?? target;
  const wanted = Math.max(target, Math.min(most, counted.length + (rollout?.successors ?? 0)));
  if (counted.length <= most) {
    welcome(sheet, counted);
    scaleInStopped(sheet, 0);
  }
  if (counted.length < wanted - doubted) {
    const shortage = { target: wanted - doubted, counted: counted.length, beyond: wanted - target };
    return fillShortage(sheet, shortage, limits, rollout);
  }
  if (counted.length > most) return shedSurplus(sheet, most, counted, { limits, rollout });
  return nothing;
}

/** What a person adopted is one among others once it serves, and nobody has to go for it. */
function welcome(sheet: Sheet, counted: readonly ServerRow[]): void {
  for (const row of counted) {
    if (row.adoptedAtMs === undefined || row.state !== "inService") continue;
    const { adoptedAtMs: _arrived, ...one } = row;
    sheet.put(one);
  }
}

/** It is no victim of the surplus that its own adoption made; of a later decision it may be. */
function isGuest({ seen }: Sheet, row: ServerRow): boolean {
  const { adoptedAtMs } = row;
  return isArriving(row) || (adoptedAtMs ?? -1) >= seen.doc.targetChangedAtMs;
}

interface Shortage {
  readonly target: number;
  readonly counted: number;
  /** So much of it is a rebuild's surge. */
  readonly beyond: number;
}

function fillShortage(
  sheet: Sheet,
  { target, counted, beyond }: Shortage,
  limits: PlanLimits,
  rollout: Rollout | undefined,
): Balance {
  const { nowMs, stopped } = sheet.seen;
  const doc = withRoom(sheet);
  const successors = rollout?.successors ?? 0;
  const room = roomFor(sheet, target - counted, beyond);
  const returning = sheet
    .rows()
    .filter((row) => row.state === "draining" && row.leaving?.code === "SURPLUS")
    .toSorted((a, b) => (b.drainingSinceMs ?? 0) - (a.drainingSinceMs ?? 0))
    // A server that comes back is no successor.
    .slice(0, Math.max(0, room.all - successors));
  for (const row of returning) {
    const { leaving: _leaving, drainingSinceMs: _since, ...kept } = row;
    sheet.put(move(kept, "return", nowMs));
    sheet.event("server.returned", row.id, cause("B5.3", "SHORTAGE", { target, have: counted }));
  }

  const missing = room.all - returning.length;
  const back = { ...nothing, refilled: room.refills, returned: returning.length };
  if (missing === 0) return back;
  const shortage = cause("B4.1", "SHORTAGE", { target, have: counted + returning.length });
  const brake = stopped.get("create");
  if (brake) {
    waitForBrake(sheet, brake);
    return back;
  }
  if (doc.backoff && nowMs < doc.backoff.retryAtMs) {
    const { failures, retryAtMs, reason } = doc.backoff;
    sheet.wait(cause("B4.6", "BACKOFF", { failures, retryAtMs, fault: reason }));
    sheet.wakeAt(retryAtMs);
    return back;
  }
  const abandoned = sheet.rows().filter((row) => row.state === "abandoned").length;
  if (abandoned >= abandonedMax) {
    sheet.wait(cause("B4.5", "ABANDONED", { count: abandoned }));
    return back;
  }
  const creates = Math.min(missing, limits.createsMax);
  if (creates < missing) {
    sheet.wakeAt(nowMs + limits.pollMs);
    if (limits.createsWait) sheet.wait(limits.createsWait);
  }
  const choices = chooseAll(sheet, doc, creates, rollout);
  return { ...back, choices, createCause: shortage, isShort: creates < missing };
}

/**
 * How many of the missing servers may be brought here: where one of the two is paused, lost ones
 * stay vacant, or what the target asks for waits (B8.1). Says what waits.
 *
 * @param beyond so many are a rebuild's successors beyond the target: they replace servers.
 */
function roomFor(
  sheet: Sheet,
  missing: number,
  beyond: number,
): { readonly all: number; readonly refills: number } {
  const { doc } = sheet.seen;
  const surge = Math.min(missing, beyond);
  const vacant = vacantNow(sheet, missing - surge);
  const room = (process: "replacement" | "scaleOut", waiting: number) => {
    const stop = waiting > 0 ? processStopped(doc, process, { waiting }) : undefined;
    if (stop) sheet.wait(stop);
    return stop ? 0 : waiting;
  };
  const refills = room("replacement", vacant + surge);
  return { all: refills + room("scaleOut", missing - surge - vacant), refills };
}

/** Successors come first; what else is missing is made from the revision that is in use (B8.5). */
function chooseAll(
  sheet: Sheet,
  doc: PlacementDoc,
  count: number,
  rollout: Rollout | undefined,
): readonly PlannedLaunch[] {
  const { group } = sheet.seen;
  const inUse = revisionInUse(group, { provenRevision: provenIn(sheet) });
  const successors = Math.min(rollout?.successors ?? 0, count);
  const others = count - successors;
  if (others > 0 && inUse !== group.launchRevision)
    sheet.wait(cause("B8.5", "REVISION_UNPROVEN", { newest: group.launchRevision, inUse }));
  return [
    ...(rollout && successors > 0 ? choose(sheet, doc, successors, rollout.revision) : []),
    ...(others > 0 ? choose(sheet, doc, others, inUse) : []),
  ];
}

/** What the next servers are made as; says what was tried where there is room for fewer (B4.7). */
function choose(
  sheet: Sheet,
  doc: PlacementDoc,
  count: number,
  revision: number,
): readonly PlannedLaunch[] {
  const { nowMs, group } = sheet.seen;
  const launch = launchOf(group, revision);
  if (!launch) return [];
  const rows = sheet.rows().filter(isCounted);
  const choices = chooseLaunches({ launch, rows, noRoom: doc.noRoom ?? [], nowMs, count });
  const planned = choices.map((choice) => ({ revision, choice }));
  if (choices.length === count) return planned;
  const next = Math.min(...untilsOf(doc).filter((untilMs) => untilMs > nowMs));
  const later = Number.isFinite(next) ? { retryAtMs: next } : {};
  sheet.wait(cause("B4.7", "NO_CAPACITY", { tried: triedWords(launch), ...later }));
  if (Number.isFinite(next)) sheet.wakeAt(next);
  return planned;
}

/** So many given-up intentions say that asking for more servers is of no use. */
const abandonedMax = 500;

function shedSurplus(
  sheet: Sheet,
  target: number,
  counted: readonly ServerRow[],
  { limits, rollout }: { readonly limits: PlanLimits; readonly rollout: Rollout | undefined },
): Balance {
  const { nowMs, doc, underWay, stopped } = sheet.seen;
  const brake = stopped.get("delete");
  const surplus = cause("B4.4", "SURPLUS", { target, have: counted.length });
  const victims = counted
    // Protection ends with the group (B8.4).
    .filter((row) => doc.deleting || !(row.protected || isGuest(sheet, row)))
    .toSorted(chooser(sheet, counted, rollout))
    .slice(0, counted.length - target);
  const quarantine = keepsSurplus(sheet);
  const paused = scaleInStopped(sheet, victims.length);
  const withdraw: ServerId[] = [];
  for (const row of victims) {
    if (row.state === "intended") {
      if (underWay.get(createKey(row.id)) === "queued") withdraw.push(row.id);
      continue; // A call that is under way is answered first.
    }
    if (row.state === "unconfirmed" || paused) continue;
    if (quarantine) {
      sheet.wait(quarantine);
      if (sheet.seen.doubt) sheet.wakeAt(nowMs + limits.pollMs);
      continue;
    }
    // Draining what can't be deleted would only take servers out of service.
    if (brake) {
      waitForBrake(sheet, brake);
      continue;
    }
    sendAway(sheet, row, surplus);
  }
  if (victims.length < counted.length - target) sheet.wait(cause("B4.4", "PROTECTED", {}));
  return { ...nothing, withdraw };
}

/**
 * Why nobody is chosen to leave now: scaling in is paused (B8.1). Says how many
 * wait, those that had begun to leave among them.
 */
function scaleInStopped({ seen, rows, wait }: Sheet, victims: number): Cause | undefined {
  const { doc } = seen;
  if (doc.deleting || !doc.pausedProcesses?.scaleIn) return undefined;
  const waiting = victims + rows().filter((row) => isScaledIn(row, doc)).length;
  const stop = processStopped(doc, "scaleIn", { waiting });
  if (stop && waiting > 0) wait(stop);
  return stop;
}

/** Who goes first: not yet answered, building (newest first), launching, left alone, in service. */
function chooser(
  sheet: Sheet,
  counted: readonly ServerRow[],
  rollout: Rollout | undefined,
): (a: ServerRow, b: ServerRow) => number {
  const { scaleInOrder } = sheet.seen.group;
  const outdated = rollout ? outdatedFirst(sheet, counted, rollout) : new Set();
  const rank = (row: ServerRow) => {
    if (row.state === "intended") return 0;
    if (row.state === "unconfirmed") return 1;
    if (row.state === "building") return 2;
    if (row.state === "launching") return 3;
    return row.cloudStatus === "ACTIVE" ? 5 : 4;
  };
  const newest = (a: ServerRow, b: ServerRow) =>
    b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1);
  return (a, b) => {
    const byRebuild = Number(outdated.has(b)) - Number(outdated.has(a));
    if (byRebuild !== 0) return byRebuild;
    const byRank = rank(a) - rank(b);
    if (byRank !== 0) return byRank;
    if (rank(a) < 4 || scaleInOrder === "newestFirst") return newest(a, b);
    if (scaleInOrder === "oldestLaunchFirst" && a.launchRevision !== b.launchRevision)
      return a.launchRevision - b.launchRevision;
    return newest(b, a);
  };
}

/** What a rebuild would replace goes first, as long as enough others serve in its stead (B8.5). */
function outdatedFirst(
  { seen }: Sheet,
  counted: readonly ServerRow[],
  { isOutdated, isAvailable }: Rollout,
): ReadonlySet<ServerRow> {
  const outdated = counted.filter((row) => isOutdated(row) && !row.protected);
  let spare = counted.filter(isAvailable).length - serversWanted(seen.doc);
  return new Set(outdated.filter((row) => !isAvailable(row) || spare-- > 0));
}
