import type { Clock } from "../../core/ports/clock.js";
import type { Tables } from "./schema.js";
import type { Session } from "./session.js";

const minuteMs = 60_000;

export function minuteOf(nowMs: number): number {
  return Math.floor(nowMs / minuteMs);
}

/** Notes, before a commit with events, in which minute which process began one for the partition. */
export type NoteBegun = (partition: string) => Promise<void>;

/**
 * What is noted leads a sweep to events whose process died before they were in the feed. One row a
 * minute and partition, however many commits there are.
 */
export function createBegun(options: {
  readonly session: Session;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly colo: string;
  readonly writer: string;
}): NoteBegun {
  const { session, tables, clock, colo, writer } = options;
  const query = `INSERT INTO ${tables.begun} (colo, minute, writer, partition) VALUES (?, ?, ?, ?)`;
  let current = Number.NaN;
  let noted = new Map<string, Promise<void>>();

  return (partition) => {
    const minute = minuteOf(clock.nowMs());
    if (minute !== current) {
      current = minute;
      noted = new Map();
    }
    const ofMinute = noted;
    const known = ofMinute.get(partition);
    if (known) return known;
    const params = [colo, minute, writer, partition];
    const noting = session.write([{ query, params }], "colo").catch((error: unknown) => {
      ofMinute.delete(partition);
      throw error;
    });
    ofMinute.set(partition, noting);
    return noting;
  };
}
