import type { LaunchConfiguration } from "../../core/model/group.js";
import type { CloudServerId } from "../../core/model/ids.js";
import type { CloudServer, Ownership } from "../../core/model/server.js";

/** A server as the world knows it. Its status is a function of time, so it needs no timers. */
export interface SimulatedServer {
  readonly id: CloudServerId;
  readonly account: string;
  readonly name: string;
  readonly launch: LaunchConfiguration;
  /** Undefined on a server that is not ours. */
  readonly ownership: Ownership | undefined;
  readonly cell: number;
  readonly host: string;
  readonly createdAtMs: number;
  readonly builtAtMs: number;
  readonly buildFault: string | undefined;
  /** From then on it is in `list` and `find`. */
  readonly listedAtMs: number;
  /** What becomes of it later; the last entry whose time has come holds. */
  readonly turns: readonly Turn[];
  readonly deletedAtMs: number | undefined;
}

export interface Turn {
  readonly atMs: number;
  /** Nova's word, or one never heard of; undefined: it is gone without a trace. */
  readonly status: string | undefined;
  readonly fault?: string;
}

/** Whether it exists: what `viewAt` tells, without making a view. */
export function isThere({ deletedAtMs, turns }: SimulatedServer, nowMs: number): boolean {
  if (deletedAtMs !== undefined && nowMs >= deletedAtMs) return false;
  const turn = turns.length === 0 ? undefined : turns.findLast(({ atMs }) => atMs <= nowMs);
  return turn === undefined || turn.status !== undefined;
}

/** As the cloud tells of it; undefined when it is gone. */
export function viewAt(server: SimulatedServer, nowMs: number): CloudServer | undefined {
  if (server.deletedAtMs !== undefined && nowMs >= server.deletedAtMs) return undefined;
  const turn = server.turns.findLast(({ atMs }) => atMs <= nowMs);
  const now: Turn | undefined = turn ?? birthAt(server, nowMs);
  if (now.status === undefined) return undefined;
  return {
    id: server.id,
    name: server.name,
    status: now.status,
    ...(server.deletedAtMs !== undefined && { taskState: "deleting" }),
    ...(now.status !== "BUILD" && { address: { host: server.host, port: 0 } }),
    ...(server.ownership && { ownership: server.ownership }),
    createdAtMs: server.createdAtMs,
    ...(now.fault !== undefined && { fault: now.fault }),
  };
}

function birthAt(server: SimulatedServer, nowMs: number): Turn {
  if (nowMs < server.builtAtMs) return { atMs: server.createdAtMs, status: "BUILD" };
  if (server.buildFault !== undefined)
    return { atMs: server.builtAtMs, status: "ERROR", fault: server.buildFault };
  return { atMs: server.builtAtMs, status: "ACTIVE" };
}
