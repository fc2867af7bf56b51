import type { OutboxEntry } from "./outbox.js";

/** Events that this process committed and has yet to bring into the feed, as far as it keeps them. */
export interface OwnEvents {
  add(entry: OutboxEntry): void;
  /**
   * Those behind `after`, the partition's last event in the newest segment, if none is missing
   * between: then they are in no segment, and need not be read. Undefined: that cannot be told.
   */
  goingOn(partition: string, after: number | undefined): readonly OutboxEntry[] | undefined;
  /** The partition's events up to that one are in the feed. */
  drop(partition: string, upTo: number): void;
  /** There may be events of the partition that are not among these. */
  forget(partition: string): void;
}

const entriesPerPartition = 50;
/** Of all partitions. What is not kept is read from where it waits. */
const bytesMax = 16 * 1024 * 1024;

export function createOwnEvents(): OwnEvents {
  const kept = new Map<string, readonly OutboxEntry[]>();
  let bytes = 0;

  function keep(partition: string, entries: readonly OutboxEntry[]): void {
    bytes += bytesOf(entries) - bytesOf(kept.get(partition) ?? []);
    if (entries.length > 0) kept.set(partition, entries);
    else kept.delete(partition);
  }

  return {
    add(entry) {
      const { partition, events } = entry;
      const before = kept.get(partition) ?? [];
      const hasRoom = before.length < entriesPerPartition && bytes + events.length <= bytesMax;
      // Without the newest one the others would pass for all there is.
      keep(partition, hasRoom ? [...before, entry] : []);
    },
    goingOn(partition, after) {
      const entries = kept.get(partition);
      if (!entries || after === undefined) return undefined;
      const rest = entries.filter(({ last }) => last > after);
      let at = after;
      for (const { last, count } of rest) {
        if (last - count !== at) return undefined;
        at = last;
      }
      return rest;
    },
    drop(partition, upTo) {
      const entries = kept.get(partition);
      if (entries) {
        const rest = entries.filter(({ last }) => last > upTo);
        keep(partition, rest);
      }
    },
    forget: (partition) => keep(partition, []),
  };
}

function bytesOf(entries: readonly OutboxEntry[]): number {
  return entries.reduce((sum, { events }) => sum + events.length, 0);
}
