import { Fault } from "../../src/core/errors/fault.js";
import { figuresOf } from "../../src/core/explain/summary.js";
import { treeOf } from "../../src/core/explain/tree.js";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { EventId } from "../../src/core/model/ids.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { JournalPage, JournalQuery } from "../../src/core/ports/journal.js";
import type { EventBatch, EventUseCases, Subscribe } from "../../src/supervisor/api.js";

export interface MemoryEvents extends EventUseCases {
  publish(event: MusterEvent): void;
  /** The next pull of every subscriber throws this, once each. */
  failStreams(error: unknown): void;
  readonly subscribers: number;
  readonly published: readonly MusterEvent[];
  /** Everything before this index is trimmed. */
  trimmed: number;
}

/** Subscribers may lag by so many events while their reader is at work. */
export const LAG_MAX = 200;
/** Keeps a batch of the tests' largest events below the 4 MiB that gRPC clients take. */
const BATCH_MAX = 40;

/** Events in memory: a feed whose cursor is an index, shared batches, bounded lag. */
export function createMemoryEvents(clock: Clock): MemoryEvents {
  const feed: MusterEvent[] = [];
  const wakers = new Set<() => void>();
  const shared = new Map<string, EventBatch>();
  const failing = new Map<object, unknown>();
  const live = new Set<object>();

  const matches = (event: MusterEvent, one: Pick<Subscribe, "account" | "group" | "types">) =>
    event.account === one.account &&
    (one.group === undefined || event.group === one.group) &&
    (one.types.length === 0 || one.types.includes(event.type));

  const batchOf = (one: Subscribe, from: number, to: number): EventBatch => {
    const key = JSON.stringify([one.account, one.group, one.types, from, to]);
    const events = feed.slice(from, to).filter((event) => matches(event, one));
    const batch = shared.get(key) ?? { events, cursor: String(to) };
    shared.set(key, batch);
    return batch;
  };

  const woken = (signal: AbortSignal, heartbeatMs: number): Promise<"woken" | "heartbeat"> =>
    new Promise((resolve, reject) => {
      const done = (how: () => void) => {
        wakers.delete(onWake);
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
        how();
      };
      const onWake = () => done(() => resolve("woken"));
      const onAbort = () => done(() => reject(signal.reason));
      const timer = clock.after(heartbeatMs, () => done(() => resolve("heartbeat")));
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort);
      wakers.add(onWake);
    });

  const events: MemoryEvents = {
    published: feed,
    trimmed: 0,
    get subscribers() {
      return live.size;
    },
    publish(event) {
      feed.push(event);
      for (const wake of [...wakers]) wake();
    },
    failStreams(error) {
      for (const subscriber of live) failing.set(subscriber, error);
      for (const wake of [...wakers]) wake();
    },
    async *subscribe(one, { signal }) {
      let at = one.after === undefined ? feed.length : Number(one.after);
      if (!Number.isInteger(at)) throw new Fault("CURSOR_INVALID", { say: "not of this feed" });
      if (at < events.trimmed) {
        const facts = { resume: String(events.trimmed) };
        throw new Fault("CURSOR_EXPIRED", { say: "the cursor is behind the retention", facts });
      }
      const self = {};
      live.add(self);
      try {
        for (;;) {
          if (failing.has(self)) throw failing.get(self);
          if (at < feed.length) {
            const head = feed.length;
            const batch = batchOf(one, at, Math.min(head, at + BATCH_MAX));
            at = Number(batch.cursor);
            if (batch.events.length > 0) yield batch;
            if (feed.length - head > LAG_MAX)
              throw new Fault("SUBSCRIBER_TOO_SLOW", { say: "the subscriber is too slow" });
          } else if ((await woken(signal, one.heartbeatMs)) === "heartbeat") {
            yield { events: [], cursor: String(at) };
          }
        }
      } finally {
        live.delete(self);
      }
    },
    async search(query) {
      return search(feed, query);
    },
    async rebuild() {}, // It loses nothing.
    async explain({ account, event: id }) {
      const root = feed.find((one) => one.id === id && one.account === account);
      if (!root) throw new Fault("EVENT_NOT_FOUND", { say: "there is no such event" });
      const nodes = treeOf(root, feed);
      const cause = { rule: "B9.1", code: "BRAKED", facts: { operation: "create" } } as const;
      const wait = { colo: root.colo, condition: "braked", cause, sinceMs: 1_000 } as const;
      return {
        event: id,
        nodes,
        figures: { ...figuresOf(nodes), firstInServiceAfterMs: 1_500 },
        waits: [{ ...wait, untilMs: 61_000 }],
        supersededBy: "later" as EventId,
        summary: ["It was asked for."],
        ...{ cut: false, rootLost: true, lagging: false },
      };
    },
  };
  return events;
}

function search(feed: readonly MusterEvent[], query: JournalQuery): JournalPage {
  const words = (query.text ?? "").split(" ").filter((word) => word !== "");
  const found = feed.filter(
    (event) =>
      event.account === query.account &&
      (query.group === undefined || event.group === query.group) &&
      (query.server === undefined || event.server === query.server) &&
      (query.types === undefined || query.types.includes(event.type)) &&
      (query.fromMs === undefined || event.atMs >= query.fromMs) &&
      (query.untilMs === undefined || event.atMs < query.untilMs) &&
      words.every((word) => event.message.includes(word)),
  );
  const ordered = query.order === "newestFirst" ? found.toReversed() : found;
  const from = Number(query.pageToken ?? "0");
  const to = from + query.eventsMax;
  const events = ordered.slice(from, to);
  return to < ordered.length ? { events, nextPageToken: String(to) } : { events };
}
