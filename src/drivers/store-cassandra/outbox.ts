import { LRUCache } from "lru-cache";
import type { InTurn } from "./key-turns.js";
import { sections, type Tables } from "./schema.js";
import { numberOf, reachOf, type Session, type Statement, takenEffect } from "./session.js";
import { outboxAfter, readOutboxKey } from "./text-keys.js";

/** The events of one commit, as they wait in its partition and stand in the feed. */
export interface OutboxEntry {
  readonly partition: string;
  /** Sequence of the last event; the others are the `count - 1` before it. */
  readonly last: number;
  readonly count: number;
  /** JSON: an array of events. */
  readonly events: string;
}

export interface OutboxPage {
  readonly entries: readonly OutboxEntry[];
  /** There are more behind them. */
  readonly hasMore: boolean;
}

/** Events between their commit and the feed. A row leaves only after it stands in the feed. */
export interface Outbox {
  /**
   * Rows behind sequence `after`, oldest first, up to some MiB. Without `after` all that are there.
   *
   * @throws Fault `STORE_UNAVAILABLE`
   */
  read(
    partition: string,
    options: { after: number | undefined; isSerial: boolean },
  ): Promise<OutboxPage>;
  /** Tells that the partition's events up to this sequence stand in the feed. */
  published(partition: string, last: number): void;
  /** The statements' part that removes what is published, to go along with a commit. */
  removal(partition: string): { readonly last: number; readonly statement: Statement } | undefined;
  /** That commit took effect. */
  removed(partition: string, last: number): void;
  /** Removes what is published up to `last` now. @throws Fault `STORE_UNAVAILABLE` */
  remove(partition: string, last: number): Promise<void>;
}

const rowsPerPage = 50;
const bytesMax = 8 * 1024 * 1024;
/** Forgetting costs an extra read or removal, no more. */
const partitionsKept = 50_000;

export function createOutbox(session: Session, tables: Tables, inTurn: InTurn): Outbox {
  const publishedTo = new LRUCache<string, number>({ max: partitionsKept });
  const removedTo = new LRUCache<string, number>({ max: partitionsKept });

  const table = tables.partitions;
  const hint = `SELECT section, published FROM ${table}
    WHERE partition = ? AND section = ${sections.head}`;
  const select = `SELECT key, value FROM ${table}
    WHERE partition = ? AND section = ${sections.outbox} AND kind = '' AND key > ?`;
  const slice = `DELETE FROM ${table}
    WHERE partition = ? AND section = ${sections.outbox} AND kind = '' AND key < ?`;
  const note = `UPDATE ${table} SET published = ? WHERE partition = ? IF revision != null`;

  const removalOf = (partition: string, last: number): Statement => ({
    query: slice,
    params: [partition, outboxAfter(last)],
  });

  return {
    async read(partition, { after, isSerial }) {
      const options = { reach: reachOf(partition), isSerial };
      const start = after ?? (await startOf(partition));
      const entries: OutboxEntry[] = [];
      let bytes = 0;
      let pageState: string | undefined;
      do {
        const statement = { query: select, params: [partition, outboxAfter(start)] };
        const page = await session.page(statement, { ...options, rowsMax: rowsPerPage, pageState });
        for (const row of page.rows) {
          const events = row["value"] as string;
          bytes += events.length;
          entries.push({ partition, events, ...readOutboxKey(row["key"] as string) });
        }
        pageState = page.pageState;
      } while (pageState !== undefined && bytes < bytesMax);
      return { entries, hasMore: pageState !== undefined };

      /** Below it are only tombstones: nothing is missed when it is behind. */
      async function startOf(name: string): Promise<number> {
        const [row] = await session.rows({ query: hint, params: [name] }, options);
        return numberOf(row?.["published"]);
      }
    },
    published(partition, last) {
      publishedTo.set(partition, last);
    },
    removal(partition) {
      const last = publishedTo.get(partition) ?? 0;
      if (last <= (removedTo.get(partition) ?? 0)) return undefined;
      return { last, statement: removalOf(partition, last) };
    },
    removed(partition, last) {
      removedTo.set(partition, last);
    },
    async remove(partition, last) {
      await inTurn(partition, async () => {
        if ((removedTo.get(partition) ?? 0) >= last) return;
        const statements = [{ query: note, params: [last, partition] }, removalOf(partition, last)];
        takenEffect(await session.writeIf(statements, reachOf(partition)));
        removedTo.set(partition, last);
      });
    },
  };
}
