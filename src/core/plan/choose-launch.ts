import type { LaunchChoice, LaunchConfiguration } from "../model/group.js";
import type { NoRoomMark } from "../model/placement.js";
import type { ServerRow } from "../model/server.js";

/** Every choice that a launch configuration leaves, the most wanted first (B4.7). */
export function pairsOf(launch: LaunchConfiguration): readonly LaunchChoice[] {
  const zones = launch.availabilityZones ?? [];
  return [launch.flavor, ...(launch.fallbackFlavors ?? [])].flatMap((flavor) =>
    zones.length === 0 ? [{ flavor }] : zones.map((zone) => ({ flavor, zone })),
  );
}

export function isSame(a: LaunchChoice, b: LaunchChoice): boolean {
  return a.flavor === b.flavor && a.zone === b.zone;
}

/** How a row was asked for; one of an older version as such were. */
export function choiceOf(row: ServerRow, launch: LaunchConfiguration): LaunchChoice {
  return row.choice ?? { flavor: launch.flavor };
}

/** So long after its time a mark still says something: its pair is tried by one server at a time. */
const markKeptMs = 60 * 60_000;

export function isStanding(mark: NoRoomMark, nowMs: number): boolean {
  return nowMs < mark.untilMs + markKeptMs;
}

/**
 * What the next servers are made as (B4.7): of the first flavor that has room anywhere, in the zone
 * with the fewest servers, the first in the list where they are equal. Where there lately was no
 * room, one server tries it before others follow. Fewer than `count` when there is no more room.
 *
 * @param asked.rows the rows that count.
 */
export function chooseLaunches(asked: {
  readonly launch: LaunchConfiguration;
  readonly rows: readonly ServerRow[];
  readonly noRoom: readonly NoRoomMark[];
  readonly nowMs: number;
  readonly count: number;
}): readonly LaunchChoice[] {
  const { launch, rows, noRoom, nowMs, count } = asked;
  const pairs = pairsOf(launch);
  // Where there is no choice the group's backoff alone decides when to try again (B4.6).
  if (pairs.length === 1) return Array.from({ length: count }, () => pairs[0]!);

  const inZone = new Map<string | undefined, number>();
  for (const row of rows) count1(inZone, row.choice?.zone);
  const unanswered = rows.filter(isUnanswered).map((row) => choiceOf(row, launch));
  const chosen: LaunchChoice[] = [];
  const open = new Set(
    pairs.filter((pair) => {
      const mark = noRoom.find((one) => isSame(one, pair));
      if (!mark || !isStanding(mark, nowMs)) return true;
      return nowMs >= mark.untilMs && !unanswered.some((one) => isSame(one, pair));
    }),
  );
  const tried = new Set(
    pairs.filter((pair) => noRoom.some((one) => isSame(one, pair) && isStanding(one, nowMs))),
  );
  while (chosen.length < count) {
    const pair = bestOf(open, inZone);
    if (!pair) break;
    chosen.push(pair);
    count1(inZone, pair.zone);
    if (tried.has(pair)) open.delete(pair);
  }
  return chosen;
}

/** Of the first flavor's zones the emptiest. The set is in the order of preference. */
function bestOf(
  open: ReadonlySet<LaunchChoice>,
  inZone: ReadonlyMap<string | undefined, number>,
): LaunchChoice | undefined {
  let best: LaunchChoice | undefined;
  for (const pair of open) {
    if (best && pair.flavor !== best.flavor) break;
    if (!best || (inZone.get(pair.zone) ?? 0) < (inZone.get(best.zone) ?? 0)) best = pair;
  }
  return best;
}

function isUnanswered({ state }: ServerRow): boolean {
  return state === "intended" || state === "unconfirmed" || state === "building";
}

function count1<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
