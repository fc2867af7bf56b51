import type { Diagnosis } from "../model/diagnosis.js";
import type { Call } from "./call.js";
import type { Clock } from "./clock.js";
import type { Log } from "./log.js";
import type { Store } from "./store.js";

/** A store that the configuration names; all it does goes by the same options. */
export interface StoreDefinition<Options> {
  readonly name: string;
  readonly optionsSchema: Readonly<Record<string, unknown>>;
  /**
   * @throws Fault `CONFIG_INVALID`: the options do not fit this node, or `migrate` comes first.
   * @throws Fault `STORE_UNAVAILABLE`
   */
  open(options: Options, host: StoreHost): Promise<Store>;
  /**
   * For work on the whole installation while nobody else works: a store for each colo that keeps
   * copies, by name. Each is asked for what its colo writes, and for what all write.
   *
   * @throws Fault as `open`
   */
  openAll(options: Options, host: StoreHost): Promise<ReadonlyMap<string, Store>>;
  /**
   * Makes what the store is kept in, or brings it up to date; harmless where nothing is to be done.
   *
   * @throws Fault `CONFIG_INVALID`, `STORE_UNAVAILABLE`
   */
  migrate(options: Options, host: StoreHost, way: { isDryRun: boolean }): Promise<Migration>;
  /** What stands between the store and its work. Changes nothing, and never tells a secret. */
  diagnose(options: Options, host: StoreHost, call: Call): Promise<readonly Diagnosis[]>;
}

export interface StoreHost {
  readonly clock: Clock;
  readonly log: Log;
  /** Folder that relative paths in the options are from. */
  readonly baseDir: string;
  /** Colos that this node serves. */
  readonly colos: readonly string[];
}

export interface Migration {
  /** Version that was found; 0 where there was nothing. */
  readonly from: number;
  readonly to: number;
  /** What was done, or in a dry run would be, in the store's own language. */
  readonly statements: readonly string[];
  /** What is not as configured, and is left so. */
  readonly remarks: readonly string[];
}
