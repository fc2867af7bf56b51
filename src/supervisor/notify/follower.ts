import { isFault } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import { type ColoId, type GroupKey, groupText } from "../../core/model/ids.js";
import type { Notifier } from "../../core/model/notifier.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Counter } from "../../core/ports/meter.js";
import type { Sender } from "../../core/ports/sender.js";
import { joinSignals } from "../join-signals.js";
import { sleep } from "../sleep.js";
import { bodyOf } from "./body.js";
import type { Pages } from "./pages.js";

/** Tells one notifier of the events of one colo, one after the other, each until it was taken. */
export interface Follower {
  readonly notifier: Notifier;
  /** Everything before it was told, or given up. */
  cursor(): string;
  /** How many were told or given up since it began. */
  settled(): number;
  /** There may be more to read. */
  stir(): void;
  stop(): void;
}

export interface FollowerDeps {
  readonly key: GroupKey;
  readonly notifier: Notifier;
  readonly colo: ColoId;
  readonly cursor: string;
  readonly pages: Pages;
  readonly sender: Sender;
  readonly secretOf: () => Promise<Uint8Array>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** By colo and outcome. */
  readonly told: Counter;
  readonly signal: AbortSignal;
}

/** An event that nobody took for so long is given up: it is news no more. */
const newsMsMax = 24 * 3_600_000;
const lookMs = 2_000;
const retryMsMin = 1_000;
const retryMsMax = 300_000;

export function createFollower(deps: FollowerDeps): Follower {
  const { key, notifier, colo, pages, clock, ids, log, told } = deps;
  const stopping = new AbortController();
  const { signal, release } = joinSignals(deps.signal, stopping.signal);
  const who = { ...key, notifier: notifier.id };
  let { cursor } = deps;
  let settled = 0;
  let failures = 0;
  let wake = () => {};

  function isMeant(event: MusterEvent): boolean {
    if (groupText(event) !== groupText(key) || event.colo !== colo) return false;
    return event.atMs >= notifier.createdAtMs && notifier.types.includes(event.type);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const page = await pages.after(cursor);
      for (const entry of page) {
        if (isMeant(entry.event)) await tell(entry.event);
        cursor = entry.cursor;
      }
      if (page.length === 0) await news();
    }
  }

  function news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.after(lookMs, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  async function tell(event: MusterEvent): Promise<void> {
    while (clock.nowMs() - event.atMs <= newsMsMax) {
      const failure = await trySend(event);
      signal.throwIfAborted();
      told.add({ colo, outcome: failure === undefined ? "sent" : "failed" });
      if (failure === undefined) {
        if (failures > 0) log.info({ ...who, failures }, "a notifier takes events again");
        failures = 0;
        settled++;
        return;
      }
      if (failures++ === 0)
        log.warn({ ...who, failure }, "a notifier takes no events; it is retried");
      const delayMs = Math.min(retryMsMin * 2 ** Math.min(failures - 1, 20), retryMsMax);
      await sleep(clock, delayMs * (0.75 + ids.random() / 2), signal);
      signal.throwIfAborted();
    }
    told.add({ colo, outcome: "given_up" });
    // What was old before it was tried, as after a move to another store, is no news at all.
    if (failures > 0) log.warn({ ...who, event: event.id }, "a notifier's event is given up");
    settled++;
  }

  /** What went wrong; undefined: it was taken. Its URL is not told: it may hold a secret. */
  async function trySend(event: MusterEvent): Promise<string | undefined> {
    try {
      const secret = await deps.secretOf();
      const notification = { url: notifier.url, secret, id: event.id, atMs: clock.nowMs() };
      const status = await deps.sender.send({ ...notification, body: bodyOf(event) }, { signal });
      return status >= 200 && status < 300 ? undefined : `status ${status}`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function keepOn(): Promise<void> {
    while (!signal.aborted)
      try {
        await run();
      } catch (error) {
        if (signal.aborted) break;
        cursor = resumeAfter(error) ?? cursor;
        log.warn({ ...who, error: String(error) }, "a notifier's events could not be read");
        await sleep(clock, retryMsMin, signal);
      }
    release();
  }

  void keepOn();
  return {
    notifier,
    cursor: () => cursor,
    settled: () => settled,
    stir: () => wake(),
    stop() {
      stopping.abort();
      wake();
    },
  };
}

/** What was trimmed is past telling; another store's feed is told of from where it began. */
function resumeAfter(error: unknown): string | undefined {
  if (isFault(error, "CURSOR_EXPIRED")) return error.facts["resume"];
  return isFault(error, "CURSOR_INVALID") ? "" : undefined;
}
