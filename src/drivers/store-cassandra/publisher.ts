import type { Log } from "../../core/ports/log.js";
import { causeOf } from "./faults.js";
import type { FeedLog } from "./feed-log.js";
import type { Outbox, OutboxEntry, OutboxPage } from "./outbox.js";
import { createOwnEvents } from "./own-events.js";

/** Brings events from the outboxes into the feed: what waits together goes in one append. */
export interface Publisher {
  /** The partition may have events to publish. Doubtful: a commit may still be under way there. */
  wake(partition: string, isDoubtful: boolean): void;
  /** These were committed here just now, and wait in their partition's outbox. */
  committed(entry: OutboxEntry): void;
  /**
   * Ends when all that was woken before is published.
   *
   * @throws Fault `STORE_UNAVAILABLE`: some of it waits on; the next flush tries again.
   */
  flush(): Promise<void>;
}

const partitionsPerRound = 500;
const readsAtOnce = 16;
const entriesPerAppend = 500;
const bytesPerAppend = 4 * 1024 * 1024;

interface Waiting {
  /** The first wake of which something may not be published. */
  readonly since: number;
  /** The last wake, so that one that comes meanwhile is not taken for done. */
  readonly ticket: number;
  readonly isDoubtful: boolean;
}

export function createPublisher(options: {
  readonly feedLog: FeedLog;
  readonly outbox: Outbox;
  readonly log: Log | undefined;
}): Publisher {
  const { feedLog, outbox, log } = options;
  const waiting = new Map<string, Waiting>();
  const own = createOwnEvents();
  let tickets = 0;
  let running: Promise<void> | undefined;
  let isDraining = false;

  /** One after the other: rounds at once would only take the append from each other. */
  function run(): Promise<void> {
    running ??= round().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function round(): Promise<void> {
    const { marks, room } = await feedLog.tail();
    const taken = [...waiting].slice(0, partitionsPerRound);
    const found = new Map<string, OutboxPage>();
    const failures: unknown[] = [];
    const rest = [...taken];
    while (rest.length > 0)
      await Promise.all(
        rest.splice(0, readsAtOnce).map(async ([partition, { isDoubtful }]) => {
          const after = marks.get(partition);
          const known = isDoubtful ? undefined : own.goingOn(partition, after);
          if (known) {
            found.set(partition, { entries: known, hasMore: false });
            return;
          }
          // One that cannot be read must not hold the others up.
          await outbox.read(partition, { after, isSerial: isDoubtful }).then(
            (page) => found.set(partition, page),
            (error: unknown) => failures.push(error),
          );
        }),
      );
    const { entries, whole } = fill(found, Math.min(room, entriesPerAppend));
    if (entries.length > 0 && !(await feedLog.append(entries))) return;
    for (const { partition, last } of entries) own.drop(partition, last);
    for (const [partition, { ticket }] of taken) {
      const now = waiting.get(partition);
      if (!now || !whole.has(partition)) continue;
      if (now.ticket === ticket) waiting.delete(partition);
      else waiting.set(partition, { ...now, since: ticket + 1 });
    }
    if (failures.length > 0) throw failures[0];
  }

  async function drain(): Promise<void> {
    try {
      while (waiting.size > 0) await run();
    } catch (error) {
      log?.debug({ error: causeOf(error) }, "events wait to be published");
    } finally {
      isDraining = false;
    }
  }

  async function flush(): Promise<void> {
    const upTo = tickets;
    while ([...waiting.values()].some(({ since }) => since <= upTo)) await run();
  }

  function wake(partition: string, isDoubtful: boolean): void {
    const before = waiting.get(partition);
    waiting.delete(partition); // To the end of the row: none waits behind it for ever.
    const ticket = ++tickets;
    waiting.set(partition, {
      since: before?.since ?? ticket,
      ticket,
      isDoubtful: isDoubtful || before?.isDoubtful === true,
    });
    if (isDraining) return;
    isDraining = true;
    void drain();
  }

  return {
    wake(partition, isDoubtful) {
      own.forget(partition);
      wake(partition, isDoubtful);
    },
    committed(entry) {
      own.add(entry);
      wake(entry.partition, false);
    },
    flush,
  };
}

/** As much as one append may hold, and the partitions of which nothing is left over. */
function fill(
  found: ReadonlyMap<string, OutboxPage>,
  entriesMax: number,
): {
  readonly entries: readonly OutboxEntry[];
  readonly whole: ReadonlySet<string>;
} {
  const entries: OutboxEntry[] = [];
  const whole = new Set<string>();
  let bytes = 0;
  for (const [partition, page] of found) {
    const isFull = () => entries.length >= entriesMax || bytes >= bytesPerAppend;
    let added = 0;
    for (const entry of page.entries) {
      if (isFull()) break;
      entries.push(entry);
      bytes += entry.events.length;
      added += 1;
    }
    if (added === page.entries.length && !page.hasMore) whole.add(partition);
  }
  return { entries, whole };
}
