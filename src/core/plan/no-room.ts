import type { LaunchChoice, LaunchConfiguration } from "../model/group.js";
import { hashText } from "../model/hash.js";
import { launchOf } from "../model/launches.js";
import type { NoRoomMark, PlacementDoc } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";
import { afterFailure } from "./backoff.js";
import { choiceOf, isSame, isStanding, pairsOf } from "./choose-launch.js";
import type { Sheet } from "./sheet.js";

const firstOutMs = 5 * 60_000;
const outMsMax = 30 * 60_000;
/** Share of the time that is spread, so that groups do not try a full zone all at once. */
const jitterShare = 0.2;

/**
 * The document after the cloud had no room for a choice (B4.7): that one is left out for a while.
 * When every choice is out, or there is none, the group's builds back off as one (B4.6); after that
 * each is tried again.
 */
export function afterNoRoom(
  doc: PlacementDoc,
  launch: LaunchConfiguration,
  failed: { readonly choice: LaunchChoice; readonly nowMs: number; readonly reason: string },
): PlacementDoc {
  const { choice, nowMs, reason } = failed;
  const salt = `${doc.groupUid}/${doc.key.colo}`;
  const pairs = pairsOf(launch);
  const isKnown = pairs.some((pair) => isSame(pair, choice));
  if (pairs.length === 1 || !isKnown) {
    const backoff = afterFailure(doc.backoff, { nowMs, reason, salt });
    return backoff === doc.backoff ? doc : { ...doc, backoff };
  }
  if (isOut(doc, choice, nowMs)) return doc; // A wave counts once.
  const standing = (doc.noRoom ?? []).filter(
    (mark) => isStanding(mark, nowMs) && pairs.some((pair) => isSame(pair, mark)),
  );
  const failures = (standing.find((mark) => isSame(mark, choice))?.failures ?? 0) + 1;
  const outMs = Math.min(outMsMax, firstOutMs * 2 ** Math.min(failures - 1, 10));
  const spread = hashText(`${salt}/${choice.flavor}/${choice.zone ?? ""}/${failures}`) / 2 ** 32;
  const untilMs = nowMs + outMs - Math.round(outMs * jitterShare * spread);
  const mark: NoRoomMark = { ...choice, failures, sinceMs: nowMs, untilMs };
  const noRoom = [...standing.filter((one) => !isSame(one, choice)), mark];
  const marked = { ...doc, noRoom };
  if (!pairs.every((pair) => isOut(marked, pair, nowMs))) return marked;
  const told = `no room for ${triedWords(launch)}: ${reason}`;
  const backoff = afterFailure(doc.backoff, { nowMs, reason: told, salt });
  const { retryAtMs } = backoff;
  const soon = noRoom.map((one) => ({ ...one, untilMs: Math.min(one.untilMs, retryAtMs) }));
  return { ...doc, backoff, noRoom: soon };
}

/** The document after a server was built: there is room again for what it was asked for as. */
export function afterRoom(doc: PlacementDoc, row: ServerRow): PlacementDoc {
  const { noRoom = [], ...rest } = doc;
  // A build that was begun before the room ran out says nothing.
  const kept = noRoom.filter(
    (mark) => !row.choice || !isSame(mark, row.choice) || row.createdAtMs <= mark.sinceMs,
  );
  if (kept.length === noRoom.length) return doc;
  return kept.length > 0 ? { ...rest, noRoom: kept } : rest;
}

/** The document with what a plan's builds have told of room. */
export function withRoom(sheet: Sheet): PlacementDoc {
  const { nowMs, group, doc } = sheet.seen;
  const { built, full } = sheet.out;
  const roomy = built.reduce(afterRoom, doc);
  return full.reduce((now, { row, reason }) => {
    const launch = launchOf(group, row.launchRevision) ?? group.launch;
    return afterNoRoom(now, launch, { choice: choiceOf(row, launch), nowMs, reason });
  }, roomy);
}

/** The cloud had no room for it a while ago: it is not asked for again yet (B4.7). */
export function isOut(
  { noRoom = [] }: Pick<PlacementDoc, "noRoom">,
  choice: LaunchChoice,
  nowMs: number,
): boolean {
  return noRoom.some((mark) => isSame(mark, choice) && nowMs < mark.untilMs);
}

export function untilsOf({ noRoom = [] }: PlacementDoc): readonly number[] {
  return noRoom.map(({ untilMs }) => untilMs);
}

/** What a launch configuration leaves to try, for people. */
export function triedWords(launch: LaunchConfiguration): string {
  const flavors = [launch.flavor, ...(launch.fallbackFlavors ?? [])];
  const zones = launch.availabilityZones ?? [];
  const where = zones.length === 0 ? "" : ` in ${zones.length === 1 ? "zone" : "zones"} `;
  return `${flavors.length === 1 ? "flavor" : "flavors"} ${flavors.join(", ")}${where}${zones.join(", ")}`;
}

/** What a row was asked for as, for causes. */
export function choiceFacts({ choice }: ServerRow): Readonly<Record<string, string>> {
  return { ...choice };
}
