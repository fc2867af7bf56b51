import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const bedMain = fileURLToPath(new URL("../bed/main.js", import.meta.url));

/** What `nodetool tablestats` says of a table. */
export interface TableStats {
  readonly partitionBytesMax: number;
  readonly partitionBytesMean: number;
  readonly liveBytes: number;
  /** Of the last five minutes. */
  readonly tombstonesMax: number;
}

/** All of the keyspace's tables, their memtables written out first. */
export async function readTableStats(keyspace: string): Promise<ReadonlyMap<string, TableStats>> {
  await nodetool("flush", keyspace);
  const told = JSON.parse(await nodetool("tablestats", "--format", "json", keyspace));
  const tables = Object.entries<Readonly<Record<string, unknown>>>(told[keyspace].tables);
  return new Map(
    tables.map(([name, table]) => [
      name,
      {
        partitionBytesMax: Number(table["compacted_partition_maximum_bytes"]),
        partitionBytesMean: Number(table["compacted_partition_mean_bytes"]),
        liveBytes: Number(table["space_used_live"]),
        tombstonesMax: Number(table["maximum_tombstones_per_slice_last_five_minutes"]),
      },
    ]),
  );
}

async function nodetool(...words: readonly string[]): Promise<string> {
  const all = ["--enable-source-maps", bedMain, "nodetool", "1", ...words];
  return (await promisify(execFile)(process.execPath, all)).stdout;
}
