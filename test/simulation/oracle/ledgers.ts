import type { CommitSeen, Ledger } from "../../../src/core/invariants/ledger.js";
import type { Brake, ColoDoc } from "../../../src/core/model/colo.js";
import type { Group } from "../../../src/core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  ServerId,
} from "../../../src/core/model/ids.js";
import type { OrphanRow } from "../../../src/core/model/orphan.js";
import { pausableProcesses } from "../../../src/core/model/pausable.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import type { Commit } from "../../../src/core/ports/store.js";
import type { StoredReceipt } from "../../../src/supervisor/placements/placement-state.js";

/** What is on record, by the commits that took effect: no node's memory, no driver's word. */
export interface Ledgers {
  /** The placement before and after, when it is a placement's commit. */
  apply(commit: Commit, nowMs: number): CommitSeen | undefined;
  /** By `account/group/colo`. */
  readonly placements: ReadonlyMap<string, Ledger>;
  /** By `account/group`; those that are gone are not in it. */
  readonly groups: ReadonlyMap<string, Group>;
  /** By colo: what is braked, and since when by the world's own clock. */
  readonly brakes: ReadonlyMap<string, readonly ThrownBrake[]>;
  /**
   * Members by `colo/balancer/address` whose row had to end before they could be removed (B5.2):
   * reported, and left to a person.
   */
  readonly leftMembers: ReadonlySet<string>;
  /** Since when each paused placement is, and each process that is paused alone, `…/process`. */
  readonly pausedSinceMs: ReadonlyMap<string, number>;
}

export interface ThrownBrake extends Brake {
  readonly thrownAtMs: number;
}

export function createLedgers(): Ledgers {
  const placements = new Map<string, Ledger>();
  const groups = new Map<string, Group>();
  const brakes = new Map<string, readonly ThrownBrake[]>();
  const pausedSinceMs = new Map<string, number>();
  const leftMembers = new Set<string>();

  function applyGroup({ partition, puts, deletes }: Commit): void {
    const put = puts.find((row) => row.kind === "group");
    if (put) groups.set(partition.key, JSON.parse(put.value) as Group);
    else if (deletes.some((row) => row.kind === "group")) groups.delete(partition.key);
  }

  function applyColo({ partition, puts }: Commit, nowMs: number): void {
    const row = puts.find((one) => one.kind === "brakes");
    if (!row) return;
    const before = brakes.get(partition.key) ?? [];
    const now = (JSON.parse(row.value) as ColoDoc).brakes.map((one): ThrownBrake => {
      const same = before.find((old) => old.operation === one.operation);
      return { ...one, thrownAtMs: same?.thrownAtMs ?? nowMs };
    });
    brakes.set(partition.key, now);
  }

  function applyPlacement(commit: Commit, nowMs: number): CommitSeen {
    const { partition, puts, deletes, events } = commit;
    const before = placements.get(partition.key) ?? empty(partition.key);
    const touched: ServerId[] = [];
    const servers = new Map(before.servers);
    let { doc } = before;
    const orphans = new Map(before.orphans);
    const receipts: StoredReceipt[] = [];
    for (const { kind, key, value } of puts) {
      if (kind === "doc") doc = JSON.parse(value) as PlacementDoc;
      else if (kind === "orphan") orphans.set(key as CloudServerId, JSON.parse(value) as OrphanRow);
      else if (kind === "receipt") receipts.push(JSON.parse(value) as StoredReceipt);
      else if (kind === "server") {
        touched.push(key as ServerId);
        servers.set(key as ServerId, JSON.parse(value) as ServerRow);
      }
    }
    for (const { kind, key } of deletes) {
      if (kind === "doc") doc = undefined;
      else if (kind === "orphan") orphans.delete(key as CloudServerId);
      else if (kind === "server") {
        touched.push(key as ServerId);
        for (const one of servers.get(key as ServerId)?.memberships ?? [])
          leftMembers.add(`${before.key.colo}/${one.loadBalancer}/${one.host}:${one.port}`);
        servers.delete(key as ServerId);
      }
    }
    const lastSequence = events.at(-1)?.sequence ?? before.lastSequence;
    const after: Ledger = { key: before.key, lastSequence, doc, servers, orphans };
    placements.set(partition.key, after);
    notePause(partition.key, doc?.paused !== undefined, nowMs);
    for (const one of pausableProcesses)
      notePause(`${partition.key}/${one}`, doc?.pausedProcesses?.[one] !== undefined, nowMs);
    const { account, group } = before.key;
    const surge = groups.get(`${account}/${group}`)?.surge ?? 0;
    return { before, after, touched, events, receipts, surge };
  }

  function notePause(name: string, isPaused: boolean, nowMs: number): void {
    if (!isPaused) pausedSinceMs.delete(name);
    else if (!pausedSinceMs.has(name)) pausedSinceMs.set(name, nowMs);
  }

  return {
    apply(commit, nowMs) {
      const { scope } = commit.partition;
      if (scope === "group") applyGroup(commit);
      if (scope === "colo") applyColo(commit, nowMs);
      return scope === "placement" ? applyPlacement(commit, nowMs) : undefined;
    },
    ...{ placements, groups, brakes, pausedSinceMs, leftMembers },
  };
}

function empty(text: string): Ledger {
  const [account, group, colo] = text.split("/") as [AccountId, GroupId, ColoId];
  return {
    key: { account, group, colo },
    lastSequence: 0,
    doc: undefined,
    servers: new Map(),
  };
}
