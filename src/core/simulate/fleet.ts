import type { Group } from "../model/group.js";
import type { ServerRow } from "../model/server.js";

/** A server of a simulation: as much of a ledger row as deciding looks at. */
type FleetServer = Pick<ServerRow, "state" | "createdAtMs" | "inServiceAtMs"> & {
  readonly readyAtMs: number;
};

/**
 * Servers that come into service a fixed time after they were asked for, and go at once. None ever
 * fails: what decides is to be looked at, not a cloud's mishaps.
 */
export interface Fleet {
  readonly servers: ReadonlyMap<number, FleetServer>;
  inService(): number;
  /** Brings as many as are wanted, and into service what is ready. */
  converge(target: number, nowMs: number): void;
  /** When the next one will be ready; undefined: none is on its way. */
  nextReadyMs(): number | undefined;
}

export function createFleet(
  { scaleInOrder }: Pick<Group, "scaleInOrder">,
  {
    bootMs,
    first,
    startMs,
  }: {
    readonly bootMs: number;
    /** In service, and warm, when it begins. */
    readonly first: number;
    readonly startMs: number;
  },
): Fleet {
  const servers = new Map<number, FleetServer>();
  let serial = 0;
  let served = 0;
  const warm = Number.NEGATIVE_INFINITY;
  for (; served < first; served++) {
    const times = { createdAtMs: startMs, inServiceAtMs: warm, readyAtMs: startMs };
    servers.set(serial++, { state: "inService", ...times });
  }

  /** Those on their way, the newest first, then those in service, as the group says (B4.4). */
  function takeOne(): void {
    const all = [...servers];
    const building = all.findLast(([, { state }]) => state === "building");
    const gone = building ?? (scaleInOrder === "newestFirst" ? all.at(-1) : all[0]);
    if (gone === undefined) return;
    if (gone[1].state === "inService") served--;
    servers.delete(gone[0]);
  }

  return {
    servers,
    inService: () => served,
    converge(target, nowMs) {
      while (servers.size > target) takeOne();
      while (servers.size < target) {
        const times = { createdAtMs: nowMs, readyAtMs: nowMs + bootMs };
        servers.set(serial++, { state: "building", ...times });
      }
      for (const [id, one] of servers) {
        if (one.state !== "building" || one.readyAtMs > nowMs) continue;
        servers.set(id, { ...one, state: "inService", inServiceAtMs: nowMs });
        served++;
      }
    },
    nextReadyMs() {
      // They are asked for in the order of time, and all take as long.
      for (const { state, readyAtMs } of servers.values())
        if (state === "building") return readyAtMs;
      return undefined;
    },
  };
}
