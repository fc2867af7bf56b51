import { createHash } from "node:crypto";
import { isBusyIndex } from "../../core/ports/store.js";
import { busyShards, type Tables } from "./schema.js";

/** A partition that holds hints of an index, and what reads and writes single ones there. */
export interface Place {
  readonly statements: PlaceStatements;
  /** What names the partition; begins the parameters of each statement. */
  readonly at: readonly (string | number)[];
}

export interface PlaceStatements {
  /** Then key and value. */
  readonly put: string;
  /** The time goes before all else, the key behind it. */
  readonly remove: string;
  /** Then a list of keys. */
  readonly written: string;
}

export interface Places {
  /** Where a hint is put. */
  of(index: string, key: string): Place;
  /**
   * Where else it may lie: before tables of version 2, all hints lay together, and a Muster of that
   * age may still run beside this one.
   */
  formerly(index: string): Place | undefined;
}

export function createPlaces(tables: Tables): Places {
  const quiet = statementsOf(tables.hints, ["name"]);
  const busy = statementsOf(tables.busyHints, ["name", "shard"]);
  return {
    of: (index, key) =>
      isBusyIndex(index)
        ? { statements: busy, at: [index, shardOf(key)] }
        : { statements: quiet, at: [index] },
    formerly: (index) => (isBusyIndex(index) ? { statements: quiet, at: [index] } : undefined),
  };
}

function statementsOf(table: string, names: readonly string[]): PlaceStatements {
  const where = names.map((name) => `${name} = ?`).join(" AND ");
  const marks = names.map(() => "?").join(", ");
  return {
    put: `INSERT INTO ${table} (${names.join(", ")}, key, value) VALUES (${marks}, ?, ?)`,
    remove: `DELETE FROM ${table} USING TIMESTAMP ? WHERE ${where} AND key = ?`,
    written: `SELECT key, WRITETIME(value) AS at FROM ${table} WHERE ${where} AND key IN ?`,
  };
}

/** For ever the same: whoever deletes a hint must look where it was put. */
function shardOf(key: string): number {
  return createHash("sha1").update(key).digest().readUInt8(0) % busyShards;
}
