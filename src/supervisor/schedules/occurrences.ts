import { Cron } from "croner";
import type { Timing } from "../../core/model/schedule.js";
import type { NextOccurrence } from "../../core/policy/agenda.js";
import { createRecent } from "../recent.js";
import { createZone, type Zone } from "./zone.js";

type CronTiming = Extract<Timing, { readonly kind: "cron" }>;

interface Known {
  readonly cron: Cron;
  readonly zone: Zone;
  /** The last answer: it holds for every moment from `afterMs` until it. */
  last?: { readonly afterMs: number; readonly nextMs: number | undefined };
}

const knownMax = 5_000;
/** More than there are. They are large: expressions share them. */
const zonesMax = 1_000;
/** A day may come twice where a zone crosses the date line: every minute of it is passed over. */
const passedOverMax = 2 * 24 * 60;

/**
 * Occurrences of cron expressions. The library reads the expression and walks the calendar, without
 * any zone; which instant a local time is, and that each runs once, is decided here (B7.1).
 */
export function createOccurrences(): NextOccurrence {
  const known = createRecent<string, Known>(knownMax);
  const zones = createRecent<string, Zone>(zonesMax);

  function zoneOf(timeZone: string): Zone {
    const zone = zones.get(timeZone) ?? createZone(timeZone);
    zones.set(timeZone, zone);
    return zone;
  }

  function knownOf(timing: CronTiming): Known {
    const text = `${timing.timeZone} ${timing.cron}`;
    const found = known.get(text);
    if (found) return found;
    const fresh = { cron: parse(timing.cron), zone: zoneOf(timing.timeZone) };
    known.set(text, fresh);
    return fresh;
  }

  return (timing, afterMs) => {
    if (timing.kind === "at") return timing.atMs > afterMs ? timing.atMs : undefined;
    const one = knownOf(timing);
    const { last } = one;
    if (last && last.afterMs <= afterMs && afterMs < (last.nextMs ?? Number.POSITIVE_INFINITY))
      return last.nextMs;
    const nextMs = nextOf(one, afterMs);
    one.last = { afterMs, nextMs };
    return nextMs;
  };
}

function nextOf({ cron, zone }: Known, afterMs: number): number | undefined {
  let localMs = zone.localOf(afterMs);
  for (let passed = 0; passed < passedOverMax; passed++) {
    const next = cron.nextRun(new Date(localMs));
    if (!next) return undefined;
    localMs = next.getTime();
    const atMs = zone.instantOf(localMs);
    // Local times that come for the second time were had the first time.
    if (atMs > afterMs) return atMs;
  }
  return undefined;
}

/** Local times are handed to it as if they were UTC's. @throws Error when it is no expression. */
function parse(cron: string): Cron {
  return new Cron(cron, { mode: "5-part", utcOffset: 0, paused: true });
}

/** What is wrong with a cron timing, by the member it is wrong in; undefined: nothing. */
export function timingProblem(
  { cron, timeZone }: CronTiming,
  nowMs: number,
): { readonly member: "cron" | "timeZone"; readonly description: string } | undefined {
  try {
    createZone(timeZone);
  } catch {
    return { member: "timeZone", description: `${timeZone} is no time zone that is known here` };
  }
  try {
    const next = parse(cron).nextRun(new Date(nowMs));
    if (next) return undefined;
    return { member: "cron", description: "names no date that ever comes" };
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "";
    return { member: "cron", description: `is no cron expression of five fields: ${why}` };
  }
}
