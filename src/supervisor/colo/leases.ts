import { isFault } from "../../core/errors/fault.js";
import { hashText } from "../../core/model/hash.js";
import type { AccountId, ColoId, GroupKey, NodeId, PlacementKey } from "../../core/model/ids.js";
import { groupText } from "../../core/model/ids.js";
import type { LeaseDoc } from "../../core/model/lease.js";
import type { Clock, Ids, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { PartitionId, Store } from "../../core/ports/store.js";

/**
 * Shard leases of one colo: one node at a time works on a placement. For economy; correctness rests
 * on conditional commits. Measured on the monotonic clock from before the write, so that neither a
 * slow answer nor a wrong wall clock stretches a lease.
 */
export interface Leases {
  /** Takes or renews every shard that is free; resolves after the first round. */
  start(): Promise<void>;
  /** Gives all shards back, so that another node need not wait. */
  stop(): Promise<void>;
  holds(key: PlacementKey): boolean;
  /** Of an account's own work in the colo, which no placement stands for. */
  holdsAccount(account: AccountId): boolean;
  /** Which shard the group's placements fall into, and those that this node holds. */
  shardOf(key: GroupKey): number;
  heldShards(): readonly number[];
  /** Shards held of all, for what the colo's nodes share; never less than one shard's. */
  share(): number;
}

interface Shard {
  readonly partition: PartitionId;
  /** Until when, on the monotonic clock, this node holds it. */
  untilMs: number;
  /**
   * The revision last seen of another's lease, and since when at the latest: unchanged for a ttl,
   * it is free. From after the answer, as a slow one may tell of a lease that was renewed
   * meanwhile.
   */
  seenRevision: number;
  seenSinceMs: number;
  /** When it is looked at again, on the monotonic clock. */
  lookAtMs: number;
}

export interface LeaseTimes {
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** How soon another's is looked at again: so much longer than a lease may a take-over last. */
  readonly watchEveryMs: number;
  readonly shards: number;
}

export const defaultLeaseTimes: LeaseTimes = {
  ttlMs: 15_000,
  renewEveryMs: 5_000,
  watchEveryMs: 1_000,
  shards: 8,
};

/** Clocks that run apart by a little must not make a round begin before anything is due. */
const restMsMin = 50;

export function createLeases(deps: {
  readonly colo: ColoId;
  readonly node: NodeId;
  readonly times: LeaseTimes;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly gained: () => void;
}): Leases {
  const { colo, node, times, store, clock, ids, log, signal } = deps;
  const call = { signal };
  /** What is written on it is conditional, so that one that tells of an older lease does no harm. */
  const reading = { signal, from: "replica" } as const;
  const shards = Array.from(
    { length: times.shards },
    (_, index): Shard => ({
      partition: { scope: "lease", key: `${colo}/${index}` },
      untilMs: Number.NEGATIVE_INFINITY,
      seenRevision: -1,
      seenSinceMs: 0,
      lookAtMs: Number.NEGATIVE_INFINITY,
    }),
  );
  let timer: Timer | undefined;
  let stopped = false;

  async function renew(shard: Shard): Promise<void> {
    const beforeMs = clock.monotonicMs();
    if (stopped) return;
    shard.lookAtMs = beforeMs + times.watchEveryMs;
    const loaded = await store.load(shard.partition, "all", reading);
    const row = loaded.rows[0];
    const held = row ? (JSON.parse(row.value) as LeaseDoc) : undefined;
    if (held && held.node !== node && !held.released) {
      if (shard.seenRevision !== loaded.revision) {
        shard.seenRevision = loaded.revision;
        shard.seenSinceMs = clock.monotonicMs();
      }
      const freeAtMs = shard.seenSinceMs + held.ttlMs;
      if (beforeMs < freeAtMs) {
        shard.lookAtMs = Math.min(shard.lookAtMs, freeAtMs);
        return;
      }
    }
    const epoch = held?.node === node && !held.released ? held.epoch : (held?.epoch ?? 0) + 1;
    if (stopped) return;
    await write(shard, loaded.revision, { node, epoch, ttlMs: times.ttlMs, released: false });
    if (stopped) return;
    const had = shard.untilMs > clock.monotonicMs();
    shard.untilMs = beforeMs + times.ttlMs;
    shard.lookAtMs = beforeMs + times.renewEveryMs;
    if (!had) deps.gained();
  }

  async function write(shard: Shard, expectedRevision: number, doc: LeaseDoc): Promise<void> {
    const row = { kind: "lease", key: "self", value: JSON.stringify(doc) };
    await store.commit(
      {
        partition: shard.partition,
        expectedRevision,
        commitId: ids.next(),
        puts: [row],
        deletes: [],
        events: [],
        hints: [],
      },
      call,
    );
  }

  async function round(): Promise<void> {
    const due = shards.filter(({ lookAtMs }) => lookAtMs <= clock.monotonicMs());
    const results = await Promise.allSettled(due.map(renew));
    for (const result of results) {
      if (result.status === "fulfilled" || signal.aborted) continue;
      // Somebody else was faster: theirs it is, until it runs out.
      if (isFault(result.reason, "PLACEMENT_CHANGED")) continue;
      log.warn({ colo, error: String(result.reason) }, "lease could not be renewed");
    }
    if (signal.aborted || stopped) return;
    const nextMs = Math.min(...shards.map(({ lookAtMs }) => lookAtMs)) - clock.monotonicMs();
    timer = clock.after(Math.max(restMsMin, nextMs), () => void round());
  }

  const isHeld = (shard: Shard) => shard.untilMs > clock.monotonicMs();

  return {
    start: round,
    async stop() {
      stopped = true;
      timer?.cancel();
      await Promise.allSettled(
        shards.map(async (shard) => {
          if (shard.untilMs <= clock.monotonicMs()) return;
          shard.untilMs = Number.NEGATIVE_INFINITY;
          const loaded = await store.load(shard.partition, "all", reading);
          const held = loaded.rows[0] && (JSON.parse(loaded.rows[0].value) as LeaseDoc);
          if (held?.node === node) await write(shard, loaded.revision, { ...held, released: true });
        }),
      );
    },
    share() {
      const nowMs = clock.monotonicMs();
      const held = shards.filter((shard) => shard.untilMs > nowMs).length;
      return Math.max(1, held) / times.shards;
    },
    holds: (key) => isHeld(shards[shardOf(groupText(key), times.shards)]!),
    shardOf: (key) => shardOf(groupText(key), times.shards),
    heldShards: () => shards.flatMap((shard, index) => (isHeld(shard) ? [index] : [])),
    holdsAccount: (account) => isHeld(shards[shardOf(account, times.shards)]!),
  };
}

/** All of a group's placements fall into the same shard. */
function shardOf(text: string, shards: number): number {
  return hashText(text) % shards;
}
