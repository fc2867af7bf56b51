import { setMaxListeners } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createMuster, type Muster, type MusterOptions } from "../../src/app.js";
import type { AccountId, ColoId, GroupId, GroupKey } from "../../src/core/model/ids.js";
import type { Journal } from "../../src/core/ports/journal.js";
import type { Commit, Store } from "../../src/core/ports/store.js";
import { createSystemClock } from "../../src/drivers/clock-system/index.js";
import { createSqliteJournal } from "../../src/drivers/journal-sqlite/index.js";
import { createSqliteStore } from "../../src/drivers/store-sqlite/index.js";
import type { Caller, GroupSpec } from "../../src/supervisor/api.js";
import { defaultLeaseTimes } from "../../src/supervisor/colo/leases.js";
import { type CountedStore, createCountedStore } from "./counted-store.js";

export const benchToken = "bench-token-0123456789";
export const benchColo = "iad" as ColoId;
export const benchCaller: Caller = { principal: "bench", signal: patientSignal() };

/** Never aborts, and however many wait on it is no leak. */
function patientSignal(): AbortSignal {
  const { signal } = new AbortController();
  setMaxListeners(0, signal);
  return signal;
}

/** A Muster in this process over a simulated cloud, in a folder of its own. */
export interface BenchMuster extends Muster {
  readonly store: CountedStore;
  /** Waits until the journal has every event. @returns for how long, in ms. */
  settle(): Promise<number>;
  /** Stops it and removes its folder. */
  dispose(): Promise<void>;
}

export interface BenchMusterOptions {
  /** Listens on a free port of the loopback. */
  readonly listens: boolean;
  /**
   * False: another node holds every lease, so that events are taken and decided here, but nothing
   * converges.
   */
  readonly converges: boolean;
  /** The kill switch is on: whoever holds the leases has turns, and does nothing in the cloud. */
  readonly isStopped?: boolean;
  /** Instead of an embedded one; closed with it. */
  readonly store?: Store;
}

export async function openBenchMuster(
  options: BenchMusterOptions,
  committed?: (commit: Commit) => void,
): Promise<BenchMuster> {
  const dataDir = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const path = join(dataDir, "state.db");
  const kept = options.store ?? (await createSqliteStore({ path, clock: createSystemClock() }));
  const store = createCountedStore(kept, committed);
  if (!options.converges) await leaseElsewhere(store);
  if (options.isStopped) await writeFile(join(dataDir, "STOP"), "");
  const bare = await createSqliteJournal({ path: join(dataDir, "events.db") });
  let journaled = 0;
  const journal: Journal = {
    ...bare,
    async append(entries, call) {
      await bare.append(entries, call);
      journaled += entries.length;
    },
  };
  const muster = await createMuster({ ...benchConfig(options.listens), dataDir, store, journal });
  return {
    ...muster,
    store,
    async settle() {
      const startMs = performance.now();
      while (journaled < store.written().events) await sleep(settlePollMs);
      return performance.now() - startMs;
    },
    async dispose() {
      await muster.stop(0);
      await rm(dataDir, { recursive: true });
    },
  };
}

const settlePollMs = 20;

export function benchConfig(
  listens: boolean,
): Pick<MusterOptions, "colos" | "tokens" | "listen" | "installation"> {
  const roles = [{ account: "*", role: "admin" as const }];
  return {
    installation: "bench",
    colos: { [benchColo]: { cloud: { use: "builtin:simulated" } } },
    ...(listens
      ? { listen: "127.0.0.1:0", tokens: [{ principal: "bench", token: benchToken, roles }] }
      : {}),
  };
}

/** Longer than any benchmark. */
const elsewhereMs = 24 * 3_600_000;

async function leaseElsewhere(store: Store): Promise<void> {
  const doc = { node: "elsewhere", epoch: 1, ttlMs: elsewhereMs, released: false };
  const value = JSON.stringify(doc);
  for (let shard = 0; shard < defaultLeaseTimes.shards; shard++) {
    const key = `${benchColo}/${shard}`;
    const puts = [{ kind: "lease", key: "self", value }];
    await store.commit(
      {
        partition: { scope: "lease", key },
        expectedRevision: 0,
        commitId: `elsewhere-${key}`,
        puts,
        deletes: [],
        events: [],
        hints: [],
      },
      benchCaller,
    );
  }
}

/** As many as an account may have go into one; the next ones into the next. */
const groupsPerAccount = 500;

export function benchGroup(index: number): GroupKey {
  const account = `bench-${Math.floor(index / groupsPerAccount)}` as AccountId;
  return { account, group: `group-${index}` as GroupId };
}

/** At most so many creations at once. */
const createsAtOnce = 50;

export async function createGroups(muster: Muster, count: number, target = 0): Promise<void> {
  let next = 0;
  const creator = async () => {
    while (next < count) {
      const key = benchGroup(next++);
      const request = { ...key, spec: benchSpec, target };
      const checks = { validateOnly: false, allowUnverified: false };
      await muster.supervisor.groups.create({ ...request, ...checks }, benchCaller);
    }
  };
  await Promise.all(Array.from({ length: createsAtOnce }, creator));
}

export const benchSpec: GroupSpec = {
  displayName: "A group of the benchmark",
  labels: { tier: "web", stage: "production" },
  placements: [{ colo: benchColo, min: 0, max: 100, weight: 1, attachments: [] }],
  launch: {
    image: "debian-13",
    flavor: "m1.small",
    userData: "",
    metadata: { role: "web" },
    parameters: {},
  },
  cooldownMs: 0,
  warmUpMs: 0,
  buildTimeoutMs: 3_600_000,
  stoppedGraceMs: 600_000,
  stoppedServers: "replace",
  scaleInOrder: "oldestFirst",
  surge: 0,
};
