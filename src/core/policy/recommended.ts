import type { Cliff, Recommendation, Recommended } from "../model/placement.js";

/** A fall to less than this part of what was recommended shortly before is a cliff, not a day's end. */
const cliffPart = 0.3;
/** Before it, at least so much was recommended: few servers fall by large parts all the time. */
const cliffServersMin = 5;
/** What came shortly before. */
const cliffWithinMs = 600_000;
/** A cliff is taken for a fault of the monitors for so long; then it is believed (B3.5). */
export const anomalyHoldMs = 900_000;
/** Recommendations are kept by so many parts of the time for which they count. */
const partsMax = 32;

/** What target tracking has recommended, with the newest: `servers` in all, at `nowMs`. */
export function recommend(
  before: Recommended | undefined,
  newest: {
    readonly servers: number;
    readonly nowMs: number;
    readonly stabilisationMs: number;
    /** After a silence of more than this nothing older counts. */
    readonly gapMaxMs: number;
  },
): Recommended {
  const { servers, nowMs, stabilisationMs, gapMaxMs } = newest;
  const goesOn = before !== undefined && nowMs - before.lastAtMs <= gapMaxMs ? before : undefined;
  const keptMs = Math.max(stabilisationMs, cliffWithinMs);
  const earlier = (goesOn?.highest ?? []).filter(({ atMs }) => nowMs - atMs < keptMs);
  const cliff = cliffAfter(goesOn?.cliff, earlier, { servers, nowMs });
  return {
    sinceMs: goesOn?.sinceMs ?? nowMs,
    lastAtMs: nowMs,
    highest: withNewest(earlier, { servers, atMs: nowMs }, Math.ceil(keptMs / partsMax)),
    ...(cliff === undefined ? {} : { cliff }),
  };
}

/** What is lower and older than another one is never the highest again. */
function withNewest(
  earlier: readonly Recommendation[],
  newest: Recommendation,
  partMs: number,
): readonly Recommendation[] {
  const higher = earlier.filter(({ servers }) => servers > newest.servers);
  const last = higher.at(-1);
  const partOf = ({ atMs }: Recommendation) => Math.floor(atMs / partMs);
  if (last === undefined || partOf(last) !== partOf(newest)) return [...higher, newest];
  // Within one part the higher one stands for both, and for longer by no more than the part.
  return [...higher.slice(0, -1), { servers: last.servers, atMs: newest.atMs }];
}

function cliffAfter(
  before: Cliff | undefined,
  earlier: readonly Recommendation[],
  { servers, nowMs }: { readonly servers: number; readonly nowMs: number },
): Cliff | undefined {
  if (before !== undefined && nowMs - before.atMs < anomalyHoldMs) {
    const isBack = servers > (before.from + before.to) / 2;
    return isBack ? undefined : before;
  }
  const recent = earlier.filter(({ atMs }) => nowMs - atMs < cliffWithinMs);
  const from = Math.max(0, ...recent.map((one) => one.servers));
  if (from < cliffServersMin || servers > from * cliffPart) return undefined;
  return { atMs: nowMs, from, to: servers };
}

/** The highest recommendation within the time; undefined where there is none. */
export function highestWithin(
  { highest }: Recommended,
  { nowMs, withinMs }: { readonly nowMs: number; readonly withinMs: number },
): Recommendation | undefined {
  const within = highest.filter(({ atMs }) => nowMs - atMs < withinMs);
  return within.reduce<Recommendation | undefined>(
    (most, one) => (most === undefined || one.servers > most.servers ? one : most),
    undefined,
  );
}
