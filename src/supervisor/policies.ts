import type { ColoId, GroupKey, PolicyId } from "../core/model/ids.js";
import type { Policy } from "../core/model/policy.js";
import type { SimulatedEvent, Simulation } from "../core/model/simulation.js";
import type { Caller } from "./caller.js";
import type { Page } from "./page.js";

export type PolicySpec = Omit<Policy, "id" | "uid" | "generation" | "createdAtMs" | "updatedAtMs">;

export interface PolicyUseCases {
  create(
    request: { readonly key: GroupKey; readonly policy?: PolicyId; readonly spec: PolicySpec },
    caller: Caller,
  ): Promise<Policy>;
  get(key: GroupKey, policy: PolicyId, caller: Caller): Promise<Policy>;
  list(
    request: { readonly key: GroupKey; readonly pageSize: number; readonly after?: PolicyId },
    caller: Caller,
  ): Promise<Page<Policy>>;
  update(
    request: {
      readonly key: GroupKey;
      readonly policy: PolicyId;
      readonly change: (spec: PolicySpec) => PolicySpec;
      readonly expectedGeneration?: number;
    },
    caller: Caller,
  ): Promise<Policy>;
  delete(
    request: {
      readonly key: GroupKey;
      readonly policy: PolicyId;
      readonly expectedGeneration?: number;
    },
    caller: Caller,
  ): Promise<void>;
  /** What policies would have made of events. Does nothing. */
  simulate(request: SimulatePolicy, caller: Caller): Promise<SimulatedPolicy>;
}

export interface SimulatePolicy {
  readonly key: GroupKey;
  /** Beside the group's own policies, or in the stead of those with the same id. */
  readonly drafts: readonly { readonly policy: PolicyId; readonly spec: PolicySpec }[];
  /** In the stead of the group's own. */
  readonly limits: readonly { readonly colo: ColoId; readonly min: number; readonly max: number }[];
  /** In any order; undefined: what the history tells of the time. */
  readonly supplied?: readonly SimulatedEvent[];
  /** Required with recorded events; else the first event, and an hour after the last one. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** Undefined: as measured. */
  readonly bootMs?: number;
  readonly startTarget?: number;
  /** Decimals, as they are written. */
  readonly prices: readonly { readonly flavor: string; readonly perHour: string }[];
  readonly withoutSchedules: boolean;
  readonly decisionsMax: number;
}

export interface SimulatedPolicy {
  readonly simulation: Simulation;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly bootMs: number;
  /** How many launches that is the median of. */
  readonly launches: number;
  readonly startTarget: number;
  readonly eventsCount: number;
  /** Recorded events that do not tell what was asked. */
  readonly skipped: number;
  /** The targets that there really were. */
  readonly recorded: readonly { readonly atMs: number; readonly target: number }[];
  readonly usage: readonly {
    readonly flavor: string;
    readonly serverMs: number;
    /** Undefined: no price was given. */
    readonly cost?: string;
  }[];
}
