import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { MusterEvent } from "../../src/core/model/event.js";
import type { AccountId, ColoId, EventId, GroupId } from "../../src/core/model/ids.js";
import type { Commit, PartitionId, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";

export interface BareStoreLoad {
  /** How many commit at once, each to a partition of its own, one after the other. */
  readonly callers: number;
  /** In the partitions' names: those of another have others. */
  readonly name?: string;
  readonly rowsPerCommit: number;
  readonly eventsPerCommit: number;
  readonly forMs: number;
  /** Bytes of a row's value and of an event, as JSON; the defaults are those of a small server. */
  readonly rowBytes?: number;
  readonly eventBytes?: number;
}

export interface BareStoreRate {
  readonly commits: number;
  readonly commitsPerSecond: number;
  readonly latencyMsP50: number;
  readonly latencyMsP99: number;
}

/** What commits with nothing around it, kept open so that its files age as others' do. */
export interface BareStore {
  measure(forMs: number): Promise<BareStoreRate>;
  close(): Promise<void>;
}

/** Whatever takes commits. */
export type Taker = Pick<Store, "commit" | "close">;

/** An embedded store of its own. */
export async function openBareStore(load: Omit<BareStoreLoad, "forMs">): Promise<BareStore> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bare-store-"));
  const store = await createSqliteStore({
    path: join(folder, "state.db"),
    clock: createSystemClock(),
  });
  return bareStoreOf(load, {
    ...store,
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  });
}

export function bareStoreOf(load: Omit<BareStoreLoad, "forMs">, taker: Taker): BareStore {
  const callers = Array.from({ length: load.callers }, (_, index) => createCaller(index, load));
  return {
    async measure(forMs) {
      const startMs = performance.now();
      const latencies = await Promise.all(callers.map((next) => commitFor(taker, next, forMs)));
      return rateOf(latencies.flat(), performance.now() - startMs);
    },
    close: () => taker.close(),
  };
}

/** Makes one caller's commits: the same rows over and over, new events each time. */
function createCaller(index: number, load: Omit<BareStoreLoad, "forMs">): () => Commit {
  const partition: PartitionId = {
    scope: "placement",
    key: `${load.name ?? "bench"}/group-${index}/iad`,
  };
  const value = JSON.stringify({ text: "r".repeat(padding({ text: "" }, load.rowBytes ?? 300)) });
  const message = "e".repeat(padding(eventOf(index, 1, ""), load.eventBytes ?? 300));
  let revision = 0;
  let sequence = 0;
  return () => {
    const events = Array.from({ length: load.eventsPerCommit }, () =>
      eventOf(index, ++sequence, message),
    );
    const puts = Array.from({ length: load.rowsPerCommit }, (_, row) => ({
      kind: "server",
      key: `server-${String(row).padStart(8, "0")}`,
      value,
    }));
    const commitId = `commit-${index}-${revision}`;
    const expectedRevision = revision++;
    return { partition, expectedRevision, commitId, puts, deletes: [], events, hints: [] };
  };
}

/** What is missing of so many bytes. */
function padding(value: unknown, bytes: number): number {
  return Math.max(0, bytes - JSON.stringify(value).length);
}

function eventOf(caller: number, sequence: number, message: string): MusterEvent {
  return {
    id: `event-${caller}-${sequence}` as EventId,
    type: "scale.decided",
    atMs: Date.now(),
    account: "bench" as AccountId,
    group: `group-${caller}` as GroupId,
    colo: "iad" as ColoId,
    sequence,
    message,
    facts: { oldTarget: 1, newTarget: 2 },
  };
}

async function commitFor(taker: Taker, next: () => Commit, forMs: number): Promise<number[]> {
  const { signal } = new AbortController();
  const latenciesMs: number[] = [];
  const endMs = performance.now() + forMs;
  for (let nowMs = performance.now(); nowMs < endMs; ) {
    await taker.commit(next(), { signal });
    const doneMs = performance.now();
    latenciesMs.push(doneMs - nowMs);
    nowMs = doneMs;
  }
  return latenciesMs;
}

function rateOf(latenciesMs: number[], elapsedMs: number): BareStoreRate {
  const sorted = latenciesMs.toSorted((left, right) => left - right);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return {
    commits: sorted.length,
    commitsPerSecond: (sorted.length * 1000) / elapsedMs,
    latencyMsP50: at(0.5),
    latencyMsP99: at(0.99),
  };
}
