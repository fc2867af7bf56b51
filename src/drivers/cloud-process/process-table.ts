import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * What identifies a process for good: a pid alone is reused, a pid with its time of start is not.
 * The server's process writes this down itself, before it becomes the server (see `launcher`).
 */
export interface ProcessMark {
  readonly pid: number;
  /** The machine's boot; empty where the system does not tell. */
  readonly bootId: string;
  /** In the system's own words: clock ticks since boot on Linux, a date elsewhere. */
  readonly startedAt: string;
}

export interface ProcessSight extends ProcessMark {
  /** The session on Linux, elsewhere the process group; both are the leader's pid. */
  readonly session: number;
  readonly zombie: boolean;
  /** The variables that this driver gives to its servers; undefined where they cannot be read. */
  readonly serverId?: string;
  readonly cloud?: string;
  readonly born?: string;
}

/** The machine's processes, as far as this user may see them. */
export interface ProcessTable {
  /** For each mark whether that very process runs. A zombie does not, nor does a reused pid. */
  running(marks: readonly ProcessMark[]): Promise<readonly boolean[]>;
  /** Every process, zombies too. */
  snapshot(): Promise<readonly ProcessSight[]>;
}

/** The variables by which a process is known as a server of one cloud folder. */
export const markers = {
  serverId: "MUSTER_SERVER",
  cloud: "MUSTER_CLOUD",
  born: "MUSTER_BORN",
} as const;

export async function createProcessTable(): Promise<ProcessTable> {
  const bootId = await readText("/proc/sys/kernel/random/boot_id");
  return bootId === undefined ? createPsTable() : createProcTable(bootId.trim());
}

/** Reads the mark that the launcher wrote; undefined while it is not complete. */
export function parseMark(text: string): ProcessMark | undefined {
  const [pid, bootId, start, end] = text.split("\n");
  if (end !== "end" || !/^[1-9]\d*$/.test(pid ?? "")) return undefined;
  const stat = parseStat(start ?? "");
  const startedAt = stat?.startedAt ?? squeeze(start ?? "");
  return { pid: Number(pid), bootId: bootId ?? "", startedAt };
}

/**
 * The living processes that provably belong to a server: its leader's session as long as the leader
 * still holds its pid, whatever carries the server's id, and what was proven before. Everything
 * else, a reused pid above all, is foreign and never gets a signal.
 */
export function familyOf(
  seen: readonly ProcessSight[],
  server: {
    readonly id: string;
    readonly leader: ProcessMark | undefined;
    readonly known: readonly ProcessMark[];
  },
): readonly ProcessSight[] {
  const { leader } = server;
  const leads = leader !== undefined && seen.some((one) => sameProcess(one, leader));
  return seen.filter((one) => {
    if (one.zombie) return false;
    if (one.serverId === server.id) return true;
    if (leads && one.session === leader.pid) return true;
    return server.known.some((known) => sameProcess(one, known));
  });
}

export function sameProcess(one: ProcessMark, other: ProcessMark): boolean {
  return one.pid === other.pid && one.bootId === other.bootId && one.startedAt === other.startedAt;
}

function createProcTable(bootId: string): ProcessTable {
  const sightOf = async (pid: number, withMarkers: boolean): Promise<ProcessSight[]> => {
    const stat = parseStat((await readText(`/proc/${pid}/stat`)) ?? "");
    if (!stat) return [];
    const { startedAt, session, zombie } = stat;
    const found = withMarkers && !zombie ? await readMarkers(pid) : {};
    return [{ pid, bootId, startedAt, session, zombie, ...found }];
  };
  return {
    async running(marks) {
      const seen = await Promise.all(marks.map(({ pid }) => sightOf(pid, false)));
      return marks.map((mark, index) => {
        const sight = seen[index]?.[0];
        return sight !== undefined && !sight.zombie && sameProcess(sight, mark);
      });
    },
    async snapshot() {
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
      const seen: ProcessSight[] = [];
      for (let from = 0; from < pids.length; from += readsAtOnceMax) {
        const batch = pids.slice(from, from + readsAtOnceMax);
        seen.push(...(await Promise.all(batch.map((pid) => sightOf(pid, true)))).flat());
      }
      return seen;
    },
  };
}

const readsAtOnceMax = 64;

/** Where there is no /proc: one `ps` for all. It shows no variables, so less can be proven. */
export function createPsTable(): ProcessTable {
  const snapshot = async (): Promise<readonly ProcessSight[]> => {
    const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,pgid=,stat=,lstart="], {
      env: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
      maxBuffer: psBytesMax,
    });
    return stdout.split("\n").flatMap((line) => {
      const [pid, group, state, ...start] = squeeze(line).split(" ");
      if (!pid || !group || !state) return [];
      const zombie = state.startsWith("Z");
      const startedAt = start.join(" ");
      return [{ pid: Number(pid), bootId: "", startedAt, session: Number(group), zombie }];
    });
  };
  return {
    snapshot,
    async running(marks) {
      if (marks.length === 0) return [];
      const seen = await snapshot();
      return marks.map((mark) => seen.some((one) => !one.zombie && sameProcess(one, mark)));
    },
  };
}

const psBytesMax = 16 * 1024 * 1024;

interface Stat {
  readonly zombie: boolean;
  readonly session: number;
  readonly startedAt: string;
}

/** One line of /proc/<pid>/stat. The command name may hold anything, brackets and spaces too. */
function parseStat(line: string): Stat | undefined {
  const fields = line
    .slice(line.lastIndexOf(")") + 1)
    .trim()
    .split(" ");
  const [state, , , session] = fields;
  const startedAt = fields[19];
  if (!line.includes(")") || !state || !session || !startedAt) return undefined;
  return { zombie: /^[ZXx]$/.test(state), session: Number(session), startedAt };
}

async function readMarkers(pid: number) {
  const text = (await readText(`/proc/${pid}/environ`)) ?? "";
  if (!text.includes(`${markers.serverId}=`)) return {};
  const found = new Map<string, string>();
  for (const line of text.split("\0")) {
    const [name = "", ...value] = line.split("=");
    found.set(name, value.join("="));
  }
  const serverId = found.get(markers.serverId);
  const cloud = found.get(markers.cloud);
  const born = found.get(markers.born);
  return { ...(serverId && { serverId }), ...(cloud && { cloud }), ...(born && { born }) };
}

/** Undefined where it cannot be read: gone meanwhile, or another user's. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

function squeeze(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}
