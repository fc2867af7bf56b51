import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import { minuteOf } from "./begun.js";
import { causeOf } from "./faults.js";
import type { Publisher } from "./publisher.js";
import type { Tables } from "./schema.js";
import type { Segments } from "./segments.js";
import type { Session } from "./session.js";

export interface SweepParts {
  readonly session: Session;
  readonly tables: Tables;
  readonly segments: Segments;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly colo: string;
  /** This process: what it began it publishes itself. */
  readonly writer: string;
}

/** A commit that takes longer than that, or clocks that differ by more, are found by the next. */
const graceMinutes = 2;
const minutesPerSweep = 60;
const pauseMs = 10_000;

/**
 * Finds the events that processes left behind which died between their commit and the feed. Looks
 * at each past minute once, whoever does it; runs beside the reading of the feed, now and then.
 */
export function createSweep(parts: SweepParts): () => void {
  const { session, tables, segments, publisher, clock, log, colo, writer } = parts;
  const select = `SELECT writer, partition FROM ${tables.begun} WHERE colo = ? AND minute = ?`;
  const advance = `UPDATE ${tables.feedHeads} SET swept_minute = ?
    WHERE colo = ? IF swept_minute < ?`;
  let isRunning = false;
  let nextMs = 0;

  async function sweep(): Promise<void> {
    const { sweptMinute } = await segments.head();
    const newest = minuteOf(clock.nowMs()) - graceMinutes;
    const last = Math.min(newest, sweptMinute + minutesPerSweep);
    if (last <= sweptMinute) return;
    const left = new Set<string>();
    for (let minute = sweptMinute + 1; minute <= last; minute++) {
      const statement = { query: select, params: [colo, minute] };
      for (const row of await session.rows(statement, { reach: "colo" }))
        if (row["writer"] !== writer) left.add(row["partition"] as string);
    }
    for (const partition of left) publisher.wake(partition, true);
    // Also what this process could not publish yet: its own minutes end here as well.
    await publisher.flush();
    await session.writeIf([{ query: advance, params: [last, colo, last] }], "colo");
    if (last < newest) nextMs = 0;
  }

  return () => {
    const nowMs = clock.monotonicMs();
    if (isRunning || nowMs < nextMs) return;
    isRunning = true;
    nextMs = nowMs + pauseMs;
    sweep()
      .catch((error: unknown) => log?.debug({ error: causeOf(error) }, "the sweep is put off"))
      .finally(() => {
        isRunning = false;
      });
  };
}
