import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer } from "../../core/model/server.js";
import type { Clock } from "../../core/ports/clock.js";
import { host } from "./launch.js";
import { lastOutputOf } from "./launcher.js";
import type { ProcessTable } from "./process-table.js";
import type { Entry, Records } from "./records.js";

/** Turns what is on disk and in the process table into servers as a cloud tells of them. */
export interface Viewer {
  view(entries: readonly Entry[]): Promise<readonly CloudServer[]>;
  /** The build has failed, for good; the server's last words go with the text. */
  fail(entry: Entry, text: string): Promise<Entry>;
}

/** A process that has not said by then that it runs never will: its launcher was lost. */
export const startMsMax = 30_000;

export function createViewer(parts: {
  readonly records: Records;
  readonly table: ProcessTable;
  readonly clock: Clock;
}): Viewer {
  const { records, clock } = parts;

  const fail = async (entry: Entry, text: string): Promise<Entry> => {
    const lastWords = await lastOutputOf(records.folderOf(entry.record.port));
    const failed = lastWords === "" ? text : `${text}: ${lastWords}`;
    await records.markFailed(entry.record, failed);
    return { ...entry, failed };
  };

  /** What time has made a failure is written down, so that it stays one. */
  const settle = async (entry: Entry, runs: boolean): Promise<Entry> => {
    const { record, mark, failed, deletingSinceMs } = entry;
    if (failed !== undefined || deletingSinceMs !== undefined || record.buildFault) return entry;
    const ageMs = clock.nowMs() - record.createdAtMs;
    if (!mark && ageMs > startMsMax) return await fail(entry, "the process was never started");
    if (mark && !runs && ageMs < record.bootDelayMs)
      return await fail(entry, "the process ended while booting");
    return entry;
  };

  return {
    fail,
    async view(entries) {
      const marks = entries.flatMap(({ mark }) => mark ?? []);
      const running = await parts.table.running(marks);
      const runs = new Map(marks.map((mark, index) => [mark, running[index] ?? false]));
      return await Promise.all(
        entries.map(async (entry) => {
          const isRunning = entry.mark !== undefined && runs.get(entry.mark) === true;
          return toServer(await settle(entry, isRunning), isRunning, clock.nowMs());
        }),
      );
    },
  };
}

function toServer(entry: Entry, runs: boolean, nowMs: number): CloudServer {
  const { record } = entry;
  const { status, fault } = statusOf(entry, runs, nowMs);
  return {
    id: record.id as CloudServerId,
    name: record.name,
    status,
    ...(entry.deletingSinceMs !== undefined && { taskState: "deleting" }),
    address: { host, port: record.port },
    ...(entry.ownership && { ownership: entry.ownership }),
    createdAtMs: record.createdAtMs,
    ...(fault !== undefined && { fault }),
  };
}

function statusOf(
  { record, mark, failed }: Entry,
  runs: boolean,
  nowMs: number,
): { readonly status: string; readonly fault?: string } {
  if (failed !== undefined) return { status: "ERROR", fault: failed };
  if (nowMs < record.createdAtMs + record.bootDelayMs) return { status: "BUILD" };
  if (record.buildFault !== undefined) return { status: "ERROR", fault: record.buildFault };
  if (!mark) return { status: "BUILD" };
  return { status: runs ? "ACTIVE" : "SHUTOFF" };
}
