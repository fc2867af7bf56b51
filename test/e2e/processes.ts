import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process that carries a test's folder in its environment: the daemon, or a server of its cloud.
 */
export interface MarkedProcess {
  readonly pid: number;
  /** The cloud's id of the server that it is; undefined for the daemon. */
  readonly cloudId: string | undefined;
  /** The ledger's id, from what the process was born with. */
  readonly intention: string | undefined;
}

/** A server as the process cloud wrote it down. */
export interface CloudRecord {
  readonly cloudId: string;
  readonly intention: string;
  readonly createdAtMs: number;
  readonly isDeleting: boolean;
}

/** Every living process of the test, whoever its parent is by now. A zombie has no environment. */
export async function markedProcesses(folder: string): Promise<readonly MarkedProcess[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => sightOf(pid, folder)));
  return found.flat();
}

/** Kills every process of the test until none is left: one may be born while others die. */
export async function killMarked(folder: string): Promise<void> {
  for (let round = 0; round < killRoundsMax; round++) {
    const left = await markedProcesses(folder);
    if (left.length === 0) return;
    for (const { pid } of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {} // Ended by itself meanwhile.
    }
    await sleep(killPauseMs);
  }
}

const killRoundsMax = 100;
const killPauseMs = 100;

async function sightOf(pid: number, folder: string): Promise<readonly MarkedProcess[]> {
  const text = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  if (pid === process.pid || !text.includes(folder)) return [];
  const variable = (name: string) => {
    const line = text.split("\0").find((one) => one.startsWith(`${name}=`));
    return line?.slice(name.length + 1);
  };
  const born = variable("MUSTER_BORN");
  const intention = born === undefined ? undefined : recordOf(born).ownership.server;
  return [{ pid, cloudId: variable("MUSTER_SERVER"), intention }];
}

/** The process cloud's own database, read behind the daemon's back. */
export async function cloudRecords(dataDir: string, colo: string): Promise<readonly CloudRecord[]> {
  const servers = join(dataDir, "drivers", colo, "cloud", "servers");
  const ports = await readdir(servers).catch((): string[] => []);
  const found = await Promise.all(
    ports.map(async (port) => {
      const names = await readdir(join(servers, port)).catch((): string[] => []);
      const own = names.find((name) => name.startsWith("server-") && name.endsWith(".json"));
      if (own === undefined) return [];
      const text = await readFile(join(servers, port, own), "utf8").catch(() => undefined);
      if (text === undefined) return []; // Removed while we looked.
      const { id, createdAtMs, ownership } = recordOf(text);
      const isDeleting = names.includes(`deleting-${id}`);
      return [{ cloudId: id, intention: ownership.server, createdAtMs, isDeleting }];
    }),
  );
  return found.flat().toSorted((one, other) => one.createdAtMs - other.createdAtMs);
}

function recordOf(text: string) {
  return JSON.parse(text) as {
    readonly id: string;
    readonly createdAtMs: number;
    readonly ownership: { readonly server: string };
  };
}
