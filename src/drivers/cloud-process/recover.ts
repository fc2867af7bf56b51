import type { Log } from "../../core/ports/log.js";
import { type ProcessSight, type ProcessTable, sameProcess } from "./process-table.js";
import type { Records, ServerRecord } from "./records.js";

/**
 * Finds processes that carry this cloud's marks but have no record: somebody removed the folder by
 * hand. They get a record again from what they carry, so that they are listed and can be deleted.
 */
export async function recoverServers(parts: {
  readonly records: Records;
  readonly table: ProcessTable;
  readonly cloud: string;
  readonly log: Log;
}): Promise<void> {
  const { records, table, log } = parts;
  const leaders = (await table.snapshot()).filter(
    (one) => one.cloud === parts.cloud && one.pid === one.session && !one.zombie,
  );
  for (const leader of leaders) {
    const record = readBorn(leader);
    if (!record || (await records.read(record.port))?.record.id === record.id) continue;
    // Records go last: who still runs after its record was missed has really lost it.
    if (!(await table.snapshot()).some((one) => sameProcess(one, leader) && !one.zombie)) continue;
    const restored = await records.restore(record, leader);
    const fields = { server: record.id, pid: leader.pid, restored };
    log.warn(fields, "found a server's process without its record");
  }
}

/** What a process carries of its record. The launch stays behind: it may be large. */
export function textOfBorn(record: ServerRecord): string {
  const { launch: _, ...born } = record;
  return JSON.stringify(born);
}

function readBorn(leader: ProcessSight): ServerRecord | undefined {
  try {
    const born = JSON.parse(leader.born ?? "") as Omit<ServerRecord, "launch">;
    if (born.id !== leader.serverId || !Number.isInteger(born.port)) return undefined;
    const launch = { image: "", flavor: "", userData: "", metadata: {}, parameters: {} };
    return { ...born, launch };
  } catch {
    return undefined;
  }
}
