import type { Clock, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import {
  familyOf,
  type ProcessMark,
  type ProcessSight,
  type ProcessTable,
} from "./process-table.js";
import { codeOf, type Entry, type Records } from "./records.js";

/** Ends the processes of servers that are marked as deleting, and only then their records. */
export interface Reaper {
  /** Takes up a server that has been marked. Never waits for its end. */
  take(port: number): void;
  close(): Promise<void>;
}

/**
 * Asks with SIGTERM, insists with SIGKILL after the grace, and frees the port once no process of
 * the server is left. What it was doing survives a crash: the marks are on disk.
 */
export function createReaper(parts: {
  readonly records: Records;
  readonly table: ProcessTable;
  readonly clock: Clock;
  readonly log: Log;
  readonly stopGraceMs: number;
}): Reaper {
  const { records, clock, log } = parts;
  const cases = new Map<number, Case>();
  let timer: Timer | undefined;
  let pass: Promise<void> | undefined;
  let closed = false;

  const wake = (delayMs: number) => {
    if (closed || pass || cases.size === 0) return;
    timer?.cancel();
    timer = clock.after(delayMs, () => {
      const startedAtMs = clock.monotonicMs();
      pass = onePass().finally(() => {
        pass = undefined;
        // A machine with many processes takes long to look through; it shall not do only that.
        wake(Math.max(passPeriodMs, 4 * (clock.monotonicMs() - startedAtMs)));
      });
    });
  };

  const onePass = async () => {
    try {
      const entries = await Promise.all([...cases.keys()].map((port) => records.read(port)));
      const seen = await parts.table.snapshot();
      for (const [index, port] of [...cases.keys()].slice(0, entries.length).entries())
        await advance(port, entries[index], seen);
    } catch (error) {
      log.warn({ error: String(error) }, "could not look after servers that are being deleted");
    }
  };

  const advance = async (port: number, entry: Entry | undefined, seen: readonly ProcessSight[]) => {
    if (entry?.deletingSinceMs === undefined) return void cases.delete(port);
    const { record, mark, deletingSinceMs } = entry;
    const before = cases.get(port);
    const known = before?.serverId === record.id ? before.known : [];
    const family = familyOf(seen, { id: record.id, leader: mark, known });
    if (family.length === 0) {
      await records.remove(record);
      return void cases.delete(port);
    }
    const insist = clock.nowMs() >= deletingSinceMs + parts.stopGraceMs;
    // Asked once: to many programs a second SIGTERM means to drop everything at once.
    if (insist) signal(family, "SIGKILL");
    else if (before?.serverId !== record.id) signal(family, "SIGTERM");
    cases.set(port, { serverId: record.id, known: family });
  };

  return {
    take(port) {
      if (!cases.has(port)) cases.set(port, { serverId: undefined, known: [] });
      wake(0);
    },
    async close() {
      closed = true;
      timer?.cancel();
      await pass;
    },
  };
}

interface Case {
  /** Whom it has been asked of; undefined before the first signal. */
  readonly serverId: string | undefined;
  readonly known: readonly ProcessMark[];
}

const passPeriodMs = 100;

/** To the whole group where its leader is among them, else one by one: each is proven ours. */
function signal(family: readonly ProcessSight[], name: NodeJS.Signals): void {
  const leaders = new Set(family.filter((one) => one.pid === one.session).map(({ pid }) => pid));
  for (const one of family) {
    const isLeader = leaders.has(one.pid);
    if (!isLeader && leaders.has(one.session)) continue; // Reached with its leader's group.
    try {
      process.kill(isLeader ? -one.pid : one.pid, name);
    } catch (error) {
      if (codeOf(error) !== "ESRCH") throw error;
    }
  }
}
