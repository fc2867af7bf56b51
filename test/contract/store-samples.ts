import type { MusterEvent } from "../../src/core/model/event.js";
import type { AccountId, ColoId, EventId, GroupId, ServerId } from "../../src/core/model/ids.js";
import type { Call } from "../../src/core/ports/call.js";
import type { Commit, FeedEntry, PartitionId, Row, Store } from "../../src/core/ports/store.js";
import { partitionText } from "../../src/core/ports/store.js";

/** A call that nobody aborts. */
export function patientCall(): Call {
  return { signal: new AbortController().signal };
}

export function placement(name: string): PartitionId {
  return { scope: "placement", key: `acme/${name}/iad` };
}

export function row(key: string, value: unknown = { key }, kind = "server"): Row {
  return { kind, key, value: JSON.stringify(value) };
}

/** Event number `sequence` of the partition; its id tells both. */
export function eventOf(
  partition: PartitionId,
  sequence: number,
  over: Partial<MusterEvent> = {},
): MusterEvent {
  const [account = "", group = "", colo = ""] = partition.key.split("/");
  return {
    id: `${partitionText(partition)}#${sequence}` as EventId,
    type: "target.changed",
    atMs: 1_000 + sequence,
    account: account as AccountId,
    group: group as GroupId,
    colo: colo as ColoId,
    sequence,
    message: `event ${sequence} of ${partition.key}`,
    facts: { old: sequence, grown: true, why: "a test" },
    server: "server-1" as ServerId,
    ...over,
  };
}

let commitCount = 0;

/** A commit that puts nothing unless told to. */
export function commitOf(
  partition: PartitionId,
  expectedRevision: number,
  over: Partial<Commit> = {},
): Commit {
  const commitId = `commit-${++commitCount}`;
  return {
    ...{ partition, expectedRevision, commitId },
    ...{ puts: [], deletes: [], events: [], hints: [] },
    ...over,
  };
}

/** Reads to the end of the feed in pages of `entriesMax`. */
export async function readWholeFeed(
  store: Store,
  after: string,
  entriesMax: number,
): Promise<readonly FeedEntry[]> {
  const entries: FeedEntry[] = [];
  for (let cursor = after; ; ) {
    const page = await store.readFeed(cursor, entriesMax, patientCall());
    entries.push(...page);
    const last = page.at(-1);
    if (!last) return entries;
    cursor = last.cursor;
  }
}

/** The sequences of each partition's events, in the order in which the feed gave them. */
export function sequencesByPlacement(
  entries: readonly FeedEntry[],
): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { event } of entries) {
    const name = `${event.account}/${event.group}/${event.colo}`;
    const sequences = found.get(name) ?? [];
    found.set(name, sequences);
    sequences.push(event.sequence);
  }
  return found;
}

export function countTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
