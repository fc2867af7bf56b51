import type { Hint } from "../../core/ports/store.js";
import { compareText } from "../store-rules/text-order.js";
import { groupBy } from "./group-by.js";
import { busyNames, busyShards, type Tables } from "./schema.js";
import type { Session } from "./session.js";

/** Indexes whose hints come and go all day: each lies in `busyShards` partitions. */
export interface BusyIndexes {
  /** Has the index named for `listNames`, before its first hint is there. */
  note(index: string): Promise<void>;
  list(page: { index: string; afterKey: string; limit: number }): Promise<readonly Hint[]>;
}

interface Found {
  /** What it was read from; undefined: where all hints lay before tables of version 2. */
  readonly shard: number | undefined;
  readonly key: string;
  readonly value: string;
}

/** Chance deals hints out unevenly: one more round for every page would cost more. */
const spareRows = 8;

export function createBusyIndexes(session: Session, tables: Tables): BusyIndexes {
  const shards = Array.from({ length: busyShards }, (_, shard) => shard).join(", ");
  const list = `SELECT shard, key, value FROM ${tables.busyHints}
    WHERE name = ? AND shard IN (${shards}) AND key > ? PER PARTITION LIMIT ? LIMIT ?`;
  const former = `SELECT key, value FROM ${tables.hints} WHERE name = ? AND key > ? LIMIT ?`;
  const note = `INSERT INTO ${tables.hints} (name, key, value) VALUES ('${busyNames}', ?, '')`;
  /** A few for each colo. */
  const noted = new Set<string>();

  /** The first rows of each partition, `rowsMax` of it at most. */
  async function readAfter(index: string, key: string, rowsMax: number): Promise<readonly Found[]> {
    const all = rowsMax * busyShards;
    const pages = await Promise.all([
      // With a page for all of them, they are read side by side, else one after the other.
      session.rows(
        { query: list, params: [index, key, rowsMax, all] },
        { reach: "colo", rowsMax: all },
      ),
      session.rows({ query: former, params: [index, key, rowsMax] }, { reach: "colo" }),
    ]);
    return pages.flat().map((row) => ({
      shard: (row["shard"] as number | null | undefined) ?? undefined,
      key: row["key"] as string,
      value: row["value"] as string,
    }));
  }

  return {
    async note(index) {
      if (noted.has(index)) return;
      await session.write([{ query: note, params: [index] }], "colo");
      noted.add(index);
    },
    async list({ index, afterKey, limit }) {
      const found = new Map<string, Hint>();
      for (let at: string | undefined = afterKey; at !== undefined && found.size < limit; ) {
        const share = Math.ceil((2 * (limit - found.size)) / busyShards) + spareRows;
        const rowsMax = Math.min(share, limit);
        const rows = await readAfter(index, at, rowsMax);
        const end = knownUpTo(rows, rowsMax);
        const known = rows.filter(({ key }) => end === undefined || compareText(key, end) <= 0);
        // Where one lies in two places, that which is written now is read first, and stays.
        for (const { key, value } of known.sort((a, b) => compareText(a.key, b.key)))
          if (!found.has(key)) found.set(key, { index, key, value });
        at = end;
      }
      return [...found.values()].slice(0, limit);
    },
  };
}

/** Up to there the rows are all that there is; undefined: they are all. */
function knownUpTo(rows: readonly Found[], rowsMax: number): string | undefined {
  const ends = [...groupBy(rows, ({ shard }) => shard).values()]
    .filter((those) => those.length >= rowsMax)
    .map((those) => those.at(-1)!.key);
  return ends.sort(compareText)[0];
}
