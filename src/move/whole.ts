import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "../core/errors/fault.js";
import type { Call } from "../core/ports/call.js";
import type { Clock } from "../core/ports/clock.js";
import type { Log } from "../core/ports/log.js";
import { type PartitionId, parsePartition, type Store } from "../core/ports/store.js";
import { prepareStore } from "../drivers/load-store.js";
import { createSqliteStore } from "../drivers/store-sqlite/index.js";
import type { Settings } from "../settings.js";
import { namesOf } from "../supervisor/names-of.js";

/** All that an installation keeps, whoever of its nodes writes it. */
export interface Whole {
  readonly stores: readonly Store[];
  /** Whom to ask for the partition, and to give it to. */
  storeOf(partition: PartitionId): Store;
  /** Those that the configuration names, and those that keep copies. */
  readonly colos: readonly string[];
  /** Other processes may work with it at the same time. */
  readonly isShared: boolean;
  close(): Promise<void>;
}

const silent: Log = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * @throws Fault `STORE_UNAVAILABLE`: a daemon works with it (the embedded store), or it is away.
 * @throws Fault `CONFIG_INVALID`
 */
export async function openWhole(settings: Settings, clock: Clock): Promise<Whole> {
  const { store: named, dataDir, baseDir } = settings;
  const served = Object.keys(settings.colos);
  if (!named) {
    await mkdir(dataDir, { recursive: true });
    const store = await createSqliteStore({ path: join(dataDir, "state.db"), clock });
    return wholeOf(new Map([["", store]]), { own: "", colos: served, isShared: false });
  }
  if (settings.installation === undefined) {
    const say = "installation: is required where nodes share a store: the same name on all";
    throw new Fault("CONFIG_INVALID", { say });
  }
  const { definition, options } = await prepareStore(named);
  const host = { clock, log: silent, baseDir, colos: served };
  const stores = await definition.openAll(options, host);
  const colos = [...new Set([...served, ...stores.keys()])];
  return wholeOf(stores, { own: served[0] ?? "", colos, isShared: true });
}

/** @param way.own whose store has what no other store's colo writes */
export function wholeOf(
  byColo: ReadonlyMap<string, Store>,
  way: { readonly own: string; readonly colos: readonly string[]; readonly isShared: boolean },
): Whole {
  const stores = [...byColo.values()];
  const own = byColo.get(way.own) ?? stores[0]!;
  return {
    stores,
    storeOf: (partition) => byColo.get(coloOf(partition) ?? "") ?? own,
    colos: way.colos,
    isShared: way.isShared,
    async close() {
      for (const store of stores) await store.close();
    },
  };
}

/** The one colo that writes the partition; undefined: any may. */
export function coloOf({ scope, key }: PartitionId): string | undefined {
  switch (scope) {
    case "placement":
      return key.slice(key.lastIndexOf("/") + 1);
    case "colo":
    case "lease":
    case "node":
      return key.split("/")[0];
    default:
      return undefined;
  }
}

/**
 * Names of all partitions, in order. What a colo writes is listed by its own store; what all write
 * stands with most copies of one colo at least.
 */
export async function partitionNames(
  { stores, storeOf }: Pick<Whole, "stores" | "storeOf">,
  call: Call,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const store of stores)
    for await (const name of namesOf(store, "partitions", call)) {
      const partition = parsePartition(name);
      if (coloOf(partition) === undefined || storeOf(partition) === store) names.add(name);
    }
  return [...names].sort();
}
