import assert from "node:assert/strict";
import type { Outbox, OutboxEntry } from "./outbox.js";
import type { Tables } from "./schema.js";
import type { Segments } from "./segments.js";
import { numberOf, type Session, type Statement, takenEffect } from "./session.js";

export interface FeedTail {
  /**
   * How far each partition's events stand in the newest segment. What an outbox holds behind that,
   * or of a partition that is not named, is in no segment.
   */
  readonly marks: ReadonlyMap<string, number>;
  /** Entries that still go into the segment. */
  readonly room: number;
}

/** A colo's feed as its writers see it. Any number may write: each append is conditional. */
export interface FeedLog {
  /** @throws Fault `STORE_UNAVAILABLE` */
  tail(): Promise<FeedTail>;
  /**
   * Appends all or nothing. False: another writer appended since `tail`, and all must be looked at
   * anew. They must go on from the marks, each partition's in sequence.
   *
   * @throws Fault `STORE_UNAVAILABLE`: it may be appended or not; `tail` will tell.
   */
  append(entries: readonly OutboxEntry[]): Promise<boolean>;
}

interface Open {
  readonly segment: number;
  /** Ordinal of the newest event. */
  last: number;
  entries: number;
  bytes: number;
  readonly marks: Map<string, number>;
}

const entriesMax = 2_000;
const bytesMax = 16 * 1024 * 1024;
const removalsAtOnce = 16;

export function createFeedLog(options: {
  readonly session: Session;
  readonly tables: Tables;
  readonly segments: Segments;
  readonly outbox: Outbox;
  readonly colo: string;
}): FeedLog {
  const { session, tables, segments, outbox, colo } = options;
  const where = "WHERE colo = ? AND segment = ?";
  const marksQuery = `SELECT position, partition, last_sequence, bytes FROM ${tables.feed} ${where}`;
  const advance = `UPDATE ${tables.feed} SET next = ? ${where} IF next = ? AND sealed = null`;
  // Says the length again: a replica that has the seal and lacks an append must see what it lacks.
  const seal = `UPDATE ${tables.feed} SET sealed = true, next = ? ${where}
    IF next = ? AND sealed = null`;
  const open = `UPDATE ${tables.feed} SET next = 0 ${where} IF next = null`;
  const moveHead = `UPDATE ${tables.feedHeads} SET segment = ? WHERE colo = ? IF segment < ?`;
  const insert = `INSERT INTO ${tables.feed}
    (colo, segment, position, partition, last_sequence, count, bytes, events)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
  /** True while every append since it was read was our own. */
  let known: Open | undefined;

  async function read(segment: number): Promise<Open> {
    const found: Open = { segment, last: 0, entries: 0, bytes: 0, marks: new Map() };
    const statement = { query: marksQuery, params: [colo, segment] };
    for (const row of await session.rows(statement, { reach: "colo" })) {
      found.last = numberOf(row["position"]);
      found.entries += 1;
      found.bytes += numberOf(row["bytes"]);
      found.marks.set(row["partition"] as string, numberOf(row["last_sequence"]));
    }
    return found;
  }

  async function newest(): Promise<Open> {
    for (let { segment } = await segments.head(); ; ) {
      const { isSealed } = await segments.state(segment);
      const found = await read(segment);
      if (!isSealed && !isFull(found)) return found;
      const { last } = found;
      if (!isSealed) await decide([{ query: seal, params: [last, colo, segment, last] }]);
      else {
        if (!(await segments.state(segment + 1)).isOpen) await succeed(found);
        segment += 1;
      }
    }
  }

  /**
   * The next segment opens only when nothing of a sealed one is left in an outbox: so whoever finds
   * an event in an outbox has to look for it in the newest segment alone.
   */
  async function succeed({ segment, marks }: Open): Promise<void> {
    const rest = [...marks];
    while (rest.length > 0)
      await Promise.all(
        rest.splice(0, removalsAtOnce).map(([name, last]) => outbox.remove(name, last)),
      );
    await decide([{ query: open, params: [colo, segment + 1] }]);
    await decide([{ query: moveHead, params: [segment + 1, colo, segment + 1] }]);
  }

  /** Whether it took effect; who loses has been overtaken by another writer with the same aim. */
  async function decide(statements: readonly Statement[]): Promise<boolean> {
    return takenEffect(await session.writeIf(statements, "colo"));
  }

  return {
    async tail() {
      known ??= await newest();
      return { marks: known.marks, room: entriesMax - known.entries };
    },
    async append(entries) {
      assert(known, "the tail comes first");
      const at = known;
      let position = at.last;
      const inserts = entries.map(({ partition, last, count, events }) => {
        position += count;
        const size = Buffer.byteLength(events);
        const params = [colo, at.segment, position, partition, last, count, size, events];
        return { query: insert, params, size };
      });
      const move = { query: advance, params: [position, colo, at.segment, at.last] };
      known = undefined; // Unless it goes well, it must be read again.
      if (!(await decide([move, ...inserts]))) return false;
      at.last = position;
      at.entries += entries.length;
      for (const { size } of inserts) at.bytes += size;
      for (const { partition, last } of entries) {
        at.marks.set(partition, last);
        outbox.published(partition, last);
      }
      if (!isFull(at)) known = at;
      return true;
    },
  };
}

function isFull({ entries, bytes }: Open): boolean {
  return entries >= entriesMax || bytes >= bytesMax;
}
