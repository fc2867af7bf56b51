import { Fault, isFault } from "../../core/errors/fault.js";
import type { MusterEvent } from "../../core/model/event.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Feed, FeedEntry } from "../../core/ports/store.js";
import type { EventBatch, Subscribe } from "../api.js";
import { sleep } from "../sleep.js";

/**
 * Streams events to subscribers. Only what is durable in the feed is ever sent, so a cursor that a
 * subscriber holds survives a crash of ours. Nobody is waited for: who is too slow is told.
 */
export interface EventHub {
  start(): Promise<void>;
  /** New events are in the feed. Cheap. */
  notify(): void;
  subscribe(request: Subscribe, signal: AbortSignal): AsyncIterable<EventBatch>;
  /** Reads the feed in order, for whoever must see every event (the journal). */
  readonly head: string;
}

/** Keeps a batch well under the 4 MiB that gRPC clients take by default. */
const pageMax = 500;
/** Batches that a subscriber may have waiting before it is told that it is too slow. */
const waitingMax = 256;
const retryDelayMs = 500;
/** Other nodes' events arrive without a notice. */
const pollMs = 1_000;

interface Live {
  readonly filter: string;
  readonly push: (batch: EventBatch) => void;
}

export function createEventHub(deps: {
  readonly feed: Feed;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): EventHub {
  const { feed, clock, log, signal } = deps;
  const live = new Set<Live>();
  let head = "";
  let reading = false;
  let again = false;
  /** Subscribers, those included who still catch up. Without any the feed is not read. */
  let following = 0;
  let joined = Promise.resolve();
  let joining = false;

  async function pump(): Promise<void> {
    again = true;
    if (reading) return;
    reading = true;
    try {
      while (again && following > 0 && !joining && !signal.aborted) {
        again = false;
        const from = head;
        const page = await feed.readFeed(from, pageMax, { signal });
        if (joining || head !== from) continue; // Read for those who followed before.
        if (page.length === 0) continue;
        head = page.at(-1)!.cursor;
        again = true;
        spread(page);
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ error: String(error) }, "the event feed could not be read");
      clock.after(retryDelayMs, () => void pump());
    } finally {
      reading = false;
    }
  }

  /** What happened while nobody followed is skipped, by the first who does again. */
  function join(): Promise<void> {
    following++;
    if (following === 1) joined = skipToHead();
    return joined;
  }

  async function skipToHead(): Promise<void> {
    joining = true;
    try {
      head = await feed.feedHead({ signal });
    } finally {
      joining = false;
    }
    void pump();
  }

  /** One filtered array for all subscribers of the same filter, so that it is encoded once. */
  function spread(page: readonly FeedEntry[]): void {
    const byFilter = new Map<string, EventBatch>();
    for (const one of live) {
      const known = byFilter.get(one.filter);
      const batch = known ?? batchOf(page, one.filter);
      if (!known) byFilter.set(one.filter, batch);
      if (batch.events.length > 0) one.push(batch);
    }
  }

  async function tick(): Promise<void> {
    await pump();
    if (!signal.aborted) clock.after(pollMs, () => void tick());
  }

  return {
    get head() {
      return head;
    },
    async start() {
      head = await feed.feedHead({ signal });
      clock.after(pollMs, () => void tick());
    },
    notify: () => void pump(),
    async *subscribe(request, caller) {
      const filter = filterText(request);
      const { heartbeatMs } = request;
      const queue = createQueue({ clock, heartbeatMs, signal: caller, head: () => head });
      const mine: Live = { filter, push: queue.push };
      let ended = false;
      // Also when the caller goes away while nobody asks this generator to go on.
      const end = () => {
        if (ended) return;
        ended = true;
        following--;
        live.delete(mine);
        queue.close();
        caller.removeEventListener("abort", end);
      };
      caller.addEventListener("abort", end, { once: true });
      let saidAtMs = Number.NEGATIVE_INFINITY;
      try {
        await join();
        let cursor = request.after ?? head;
        // Catching up: pages of the feed, until the place where the live ones come from.
        while (cursor !== head) {
          const page = await feed.readFeed(cursor, pageMax, { signal: caller });
          const nowMs = clock.monotonicMs();
          const batch: EventBatch =
            page.length === 0 ? { events: [], cursor } : batchOf(page, filter);
          ({ cursor } = batch);
          if (batch.events.length > 0 || nowMs - saidAtMs >= heartbeatMs) {
            saidAtMs = nowMs;
            yield batch;
          }
          // Two cursors of the same place need not be the same text: what is new will tell.
          if (page.length === 0) await sleep(clock, retryDelayMs, caller);
        }
        if (!ended) live.add(mine);
        // An opening heartbeat says that the stream stands, and from where.
        yield { events: [], cursor };
        for (;;) yield await queue.next();
      } catch (error) {
        if (isFault(error, "CANCELLED") && caller.aborted) return;
        throw error;
      } finally {
        end();
      }
    },
  };
}

function batchOf(page: readonly FeedEntry[], filter: string): EventBatch {
  const wanted = JSON.parse(filter) as Filter;
  const events = page.map((entry) => entry.event).filter((event) => matches(event, wanted));
  return { events, cursor: page.at(-1)!.cursor };
}

interface Filter {
  readonly account: string;
  readonly group: string | null;
  readonly types: readonly string[];
}

function filterText({ account, group, types }: Subscribe): string {
  const filter: Filter = { account, group: group ?? null, types: [...types].sort() };
  return JSON.stringify(filter);
}

function matches(event: MusterEvent, { account, group, types }: Filter): boolean {
  if (event.account !== account) return false;
  if (group !== null && event.group !== group) return false;
  return types.length === 0 || types.includes(event.type);
}

interface Queue {
  push(batch: EventBatch): void;
  /** The next batch; an empty one when none came within the heartbeat. */
  next(): Promise<EventBatch>;
  close(): void;
}

function createQueue(of: {
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
  readonly head: () => string;
}): Queue {
  const { clock, heartbeatMs, signal, head } = of;
  const waiting: EventBatch[] = [];
  let tooSlow = false;
  let silent = false;
  let closed = false;
  let spokeAtMs = clock.monotonicMs();
  let wake: (() => void) | undefined;
  const stir = () => wake?.();
  signal.addEventListener("abort", stir, { once: true });

  // One timer a subscriber, moved on when it fires: a busy stream never touches it.
  let timer = clock.after(heartbeatMs, beat);
  function beat(): void {
    if (closed) return;
    const leftMs = spokeAtMs + heartbeatMs - clock.monotonicMs();
    silent = leftMs <= 0;
    timer = clock.after(silent ? heartbeatMs : leftMs, beat);
    if (silent) stir();
  }

  return {
    push(batch) {
      // Once a batch was left out none may follow: the cursor would step over what is missing.
      if (waiting.length >= waitingMax) tooSlow = true;
      if (!tooSlow) waiting.push(batch);
      stir();
    },
    async next() {
      if (waiting.length === 0 && !tooSlow && !silent && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
      if (signal.aborted) throw new Fault("CANCELLED", { say: "the subscription has ended" });
      const batch = waiting.shift();
      if (!batch && tooSlow) {
        const say = `more than ${waitingMax} batches waited: subscribe again with the last cursor`;
        throw new Fault("SUBSCRIBER_TOO_SLOW", { say, retryAfterMs: 1_000 });
      }
      silent = false;
      spokeAtMs = clock.monotonicMs();
      // In one breath with finding nothing: a cursor later on could stand behind a batch unseen.
      return batch ?? { events: [], cursor: head() };
    },
    close() {
      timer.cancel();
      closed = true;
      signal.removeEventListener("abort", stir);
      stir();
    },
  };
}
