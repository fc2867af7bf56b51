import { isFault } from "../../core/errors/fault.js";
import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Journal } from "../../core/ports/journal.js";
import type { Log } from "../../core/ports/log.js";
import type { Monitor } from "../monitor/monitor.js";
import { sleep } from "../sleep.js";
import type { JoinedFeed } from "./joined-feed.js";

/**
 * Brings the feed into the journal, from where the journal stands. A journal that is away stops
 * nothing else: it catches up.
 */
export interface Journaler {
  start(): void;
  notify(): void;
  /** Begins again with the feed's first entry: for a journal that lost what it had. */
  rebuild(): void;
  stop(): void;
}

const pageMax = 1_000;
const idleDelayMs = 1_000;
/** Under load events come one by one; written down together they cost a fraction. */
const gatherMs = 100;
const retryDelayMs = 2_000;
/** So often is an outage told of while it lasts. */
const tellEveryMs = 60_000;
const trimEveryMs = 3_600_000;

export interface Retention {
  /** How long the feed can be resumed from. */
  readonly feedMs: number;
  /** How long history can be searched. */
  readonly journalMs: number;
}

export const defaultRetention: Retention = {
  feedMs: 7 * 24 * 3_600_000,
  journalMs: 90 * 24 * 3_600_000,
};

export function createJournaler(deps: {
  readonly feed: JoinedFeed;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly retention: Retention;
  readonly monitor: Pick<Monitor, "fed" | "feedMoved">;
}): Journaler {
  const { feed, journal, clock, log, signal, retention } = deps;
  const call = { signal };
  let timer: Timer | undefined;
  let running = false;
  /** What is away is not asked anew for each event. */
  let resting = false;
  let toldAtMs: number | undefined;
  let position: string | undefined;
  let trimmedAtMs = clock.monotonicMs();
  let rebuildsAsked = 0;
  let rebuildsBegun = 0;
  let rebuilt: number | undefined;

  async function run(): Promise<void> {
    if (running || resting || signal.aborted) return;
    running = true;
    timer?.cancel();
    let delayMs = idleDelayMs;
    try {
      position ??= await journal.position(call);
      for (;;) {
        const asked = rebuildsAsked;
        if (asked > rebuildsBegun) {
          position = "";
          rebuilt = 0;
          deps.monitor.feedMoved();
        }
        const page = await feed.readFeed(position, pageMax, call);
        if (page.length > 0) await journal.append(page, call);
        // Only now: the journal itself stands where it begins again, should this process end.
        rebuildsBegun = asked;
        if (rebuilt !== undefined) rebuilt += page.length;
        const last = page.at(-1);
        if (!last) break;
        position = last.cursor;
        deps.monitor.fed(page);
        if (page.length < pageMax) await sleep(clock, gatherMs, signal);
      }
      if (rebuilt !== undefined) log.info({ events: rebuilt }, "history is written anew");
      rebuilt = undefined;
      if (toldAtMs !== undefined) log.info({}, "the journal has caught up");
      toldAtMs = undefined;
      if (clock.monotonicMs() - trimmedAtMs >= trimEveryMs) await trim(position);
    } catch (error) {
      const resume = resumeAfter(error);
      if (resume === "") log.warn({}, "history stood in another store's feed: it begins with ours");
      else if (resume) log.error({}, "history has a gap: the feed behind it was trimmed");
      position = resume;
      deps.monitor.feedMoved();
      resting = resume === undefined;
      delayMs = resting ? retryDelayMs : 0;
      if (!signal.aborted) tellLag(error);
    } finally {
      running = false;
      if (!signal.aborted) timer = clock.after(delayMs, goOn);
    }
  }

  function goOn(): void {
    resting = false;
    void run();
  }

  function tellLag(error: unknown): void {
    const nowMs = clock.monotonicMs();
    if (toldAtMs !== undefined && nowMs - toldAtMs < tellEveryMs) return;
    toldAtMs = nowMs;
    log.warn(saidOf(error), "the journal lags behind");
  }

  async function trim(before: string): Promise<void> {
    trimmedAtMs = clock.monotonicMs();
    const nowMs = clock.nowMs();
    await feed.trimFeed({ olderThanMs: nowMs - retention.feedMs, before }, call);
    await journal.trim(nowMs - retention.journalMs, call);
  }

  return {
    start: () => void run(),
    notify: () => void run(),
    rebuild() {
      rebuildsAsked += 1;
      void run();
    },
    stop: () => timer?.cancel(),
  };
}

/** Where to go on at once; undefined: where it stood, and later. */
function resumeAfter(error: unknown): string | undefined {
  if (isFault(error, "CURSOR_EXPIRED")) return error.facts["resume"];
  // The state was moved or restored: what the journal has of it does not become double.
  return isFault(error, "CURSOR_INVALID") ? "" : undefined;
}

/** What the journal or the store itself said is for operators alone, and they need it. */
function saidOf(error: unknown): Readonly<Record<string, string>> {
  const cause = isFault(error) ? error.cause : undefined;
  return { error: String(error), ...(cause === undefined ? {} : { cause: String(cause) }) };
}
