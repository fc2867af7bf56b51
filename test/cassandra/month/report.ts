import { bounds } from "./bounds.js";
import type { Slice } from "./fast-server.js";
import type { TableStats } from "./table-stats.js";

/** The worst that was seen of each read. */
export interface Findings {
  note(look: string, slice: Slice): void;
  /** What docs/cassandra.md shows. */
  table(stats: ReadonlyMap<string, TableStats>): string;
  /** What is beyond the bounds of its table. */
  beyond(stats: ReadonlyMap<string, TableStats>): readonly string[];
}

interface Worst extends Slice {
  readonly look: string;
}

export function createFindings(): Findings {
  const worst = new Map<string, Worst>();
  return {
    note(look, { table, rows, tombstones }) {
      const name = `${look} ${table}`;
      const old = worst.get(name);
      worst.set(name, {
        ...{ look, table },
        rows: Math.max(rows, old?.rows ?? 0),
        tombstones: Math.max(tombstones, old?.tombstones ?? 0),
      });
    },
    table(stats) {
      const tables = [...stats].map(([name, one]) => [
        name,
        ...[one.partitionBytesMax, one.partitionBytesMean, one.liveBytes].map(sizeText),
        sizeText(boundsOf(name).partitionBytesMax),
        one.tombstonesMax,
      ]);
      const reads = [...worst.values()].map(({ look, table, rows, tombstones }) => {
        return [look, `\`${table}\``, rows, tombstones, boundsOf(table).tombstonesMax];
      });
      const sizes = ["largest partition", "mean", "all of it", "bound", "tombstones in a slice"];
      return [
        ...markdown(["table", ...sizes], tables),
        "",
        ...markdown(["read", "table", "rows in a slice", "tombstones", "bound"], reads),
      ].join("\n");
    },
    beyond(stats) {
      const large = [...stats]
        .filter(([name, one]) => one.partitionBytesMax > boundsOf(name).partitionBytesMax)
        .map(([name, one]) => `${name}: a partition of ${sizeText(one.partitionBytesMax)}`);
      const past = [...worst.values()]
        .filter(({ table, tombstones }) => tombstones > boundsOf(table).tombstonesMax)
        .map(({ look, table, tombstones }) => `${look}: past ${tombstones} tombstones of ${table}`);
      return [...large, ...past];
    },
  };
}

/** A table without bounds may have nothing. */
function boundsOf(table: string) {
  return bounds[table] ?? { partitionBytesMax: 0, tombstonesMax: 0 };
}

function markdown(head: readonly string[], rows: readonly (readonly unknown[])[]): string[] {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

function sizeText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
