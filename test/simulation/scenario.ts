import type { OperationClass } from "../../src/core/model/colo.js";
import type { Processes } from "../../src/core/model/pausable.js";
import type { AlertState } from "../../src/core/model/policy.js";
import type { ScheduleAction } from "../../src/core/model/schedule.js";
import type { SimulatedFault } from "../../src/drivers/cloud-simulated/index.js";
import type { BalancerFault, BalancerMethod } from "../../src/drivers/lb-simulated/faults.js";
import type { StoreFaultName } from "../../src/drivers/store-memory/index.js";
import type { GivenRebuildOptions } from "../../src/supervisor/api.js";

/**
 * All that a run is made of, as data: the same scenario is always the same run, so a failing one
 * can be printed, kept, and made smaller until only what it takes is left.
 */
export interface Scenario {
  /** Of what is drawn on the way: latencies, and which occasions a fault strikes. */
  readonly seed: number;
  /** Of the first phase; then everything heals and has to converge. */
  readonly durationMs: number;
  readonly nodes: readonly NodePlan[];
  readonly colos: readonly ColoPlan[];
  readonly groups: readonly GroupPlan[];
  readonly actions: readonly Action[];
}

export interface NodePlan {
  readonly name: string;
  /** The one that it serves; undefined: all of them, as every other node then does. */
  readonly colo?: string;
  readonly wallMs: number;
  readonly driftPpm: number;
}

export interface ColoPlan {
  readonly id: string;
  readonly pollMs: number;
  readonly slots: number;
  readonly latencyMs: { readonly fromMs: number; readonly toMs: number };
  readonly buildMs: { readonly fromMs: number; readonly toMs: number };
  readonly listingLagMs: number;
  readonly createDeadlineMs: number;
  readonly pageServersMax: number;
  readonly balancers: readonly string[];
}

export interface GroupPlan {
  readonly account: string;
  readonly group: string;
  readonly placements: readonly PlacementPlan[];
  readonly target: number;
  readonly surge: number;
  readonly spill: boolean;
  readonly buildTimeoutMs: number;
  readonly stoppedGraceMs: number;
  readonly scaleInOrder: "oldestFirst" | "newestFirst" | "oldestLaunchFirst";
  readonly cooldownMs: number;
  /** What its policy `up` adds; `down` takes one. `cpu` tracks a metric whose target is 0.5. */
  readonly step: number;
  /** Whether `up` acts by the size of the breach of a threshold of 0.8, by twice as much from 1. */
  readonly isStepped: boolean;
  /** At most so many are scaled in within five minutes; undefined: no limit. */
  readonly scaleInMax: number | undefined;
}

export interface PlacementPlan {
  readonly colo: string;
  readonly min: number;
  readonly max: number;
  readonly balancers: readonly string[];
  readonly drainTimeoutMs: number;
}

/** `atMs` from the start of the run. */
export type Action = { readonly atMs: number } & (
  | TenantAction
  | OperatorAction
  | NatureAction
  | NodeAction
);

/** What goes on for a group; `via` chooses the node that is asked, modulo those that are up. */
export type TenantAction = { readonly group: string; readonly via: number } & (
  | { readonly kind: "target"; readonly target: number; readonly twice: boolean }
  | { readonly kind: "change"; readonly change: number; readonly twice: boolean }
  | { readonly kind: "policy"; readonly policy: "up" | "down"; readonly twice: boolean }
  | {
      readonly kind: "alert";
      readonly state: AlertState;
      readonly key: string;
      readonly value: number;
    }
  /** What `cpu` measures; undefined: its monitor cannot tell. */
  | { readonly kind: "metric"; readonly value: number | undefined; readonly key: string }
  | { readonly kind: "force"; readonly target: number; readonly forMs: number }
  | { readonly kind: "limits"; readonly min: number; readonly max: number }
  /** Moves so much of the max of one placement, or what it has, to the next one in the list. */
  | { readonly kind: "moveMax"; readonly nth: number; readonly servers: number }
  | { readonly kind: "launch"; readonly image: string }
  | { readonly kind: "rebuild"; readonly image: string; readonly options: GivenRebuildOptions }
  | { readonly kind: "rebuildWord"; readonly word: "cancel" | "continue" | "rollBack" }
  /** Without processes: all. */
  | { readonly kind: "pause"; readonly processes?: Processes }
  | { readonly kind: "resume"; readonly processes?: Processes }
  | { readonly kind: "protect"; readonly nth: number; readonly protect: boolean }
  | {
      readonly kind: "standBy";
      readonly nth: number;
      readonly standBy: boolean;
      readonly replace: boolean;
    }
  | { readonly kind: "deleteServer"; readonly nth: number; readonly replace: boolean }
  | { readonly kind: "deleteGroup"; readonly force: boolean }
  | { readonly kind: "createGroup" }
  | ({ readonly kind: "schedule" } & SchedulePlan)
  | { readonly kind: "unschedule"; readonly id: string }
);

export interface SchedulePlan {
  readonly id: string;
  readonly everyMinutes: number;
  readonly does: ScheduleAction;
}

export type OperatorAction = { readonly colo: string; readonly via: number } & (
  | {
      readonly kind: "brake";
      readonly operations: readonly OperationClass[];
      readonly forMs: number;
    }
  | { readonly kind: "unbrake" }
);

/** Each fault ends by itself, so that it can be left out alone. */
export type NatureAction =
  | {
      readonly kind: "cloud";
      /** What it is counted as. */
      readonly label: string;
      readonly colo: string;
      readonly fault: SimulatedFault;
      readonly share: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "store";
      readonly fault: StoreFaultName;
      readonly share: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "balancer";
      readonly colo: string;
      readonly fault: BalancerFault;
      readonly methods: readonly BalancerMethod[];
      readonly share: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "quota";
      readonly colo: string;
      readonly servers: number;
      readonly forMs: number;
    }
  /** Between two colos: what stores copy, what nodes ask each other, or both. */
  | {
      readonly kind: "partition";
      readonly one: string;
      readonly two: string;
      readonly cuts: readonly ("store" | "peers")[];
      readonly forMs: number;
    }
  | { readonly kind: "vanish"; readonly colo: string; readonly nth: number }
  | {
      readonly kind: "status";
      readonly colo: string;
      readonly nth: number;
      readonly status: string;
    }
  /** A customer's own server: a copy with all tags of the `copyOf`-th, or without any. */
  | {
      readonly kind: "foreign";
      readonly colo: string;
      readonly account: string;
      readonly copyOf: number | undefined;
    }
  | { readonly kind: "foreignMember"; readonly colo: string; readonly balancer: string }
  | { readonly kind: "balancerGone"; readonly colo: string; readonly balancer: string };

export type NodeAction = { readonly node: string } & (
  | { readonly kind: "crash"; readonly downMs: number }
  /** At the `calls`-th call that it makes from then on, sent or not. */
  | {
      readonly kind: "crashAtCall";
      readonly calls: number;
      readonly sent: boolean;
      readonly downMs: number;
    }
  | { readonly kind: "freeze"; readonly forMs: number }
  /** Its wires to the store are cut, and to nothing else: no answer, and no refusal either. */
  | { readonly kind: "storeCut"; readonly forMs: number }
  | { readonly kind: "restart"; readonly graceMs: number; readonly downMs: number }
);

/** The scenario without these groups, nodes and actions, and without what depends on them. */
export function keepOnly(scenario: Scenario, actions: readonly Action[]): Scenario {
  const groups = new Set(scenario.groups.map(nameOf));
  const nodes = new Set(scenario.nodes.map((one) => one.name));
  return {
    ...scenario,
    actions: actions.filter(
      (one) =>
        !("group" in one && !groups.has(one.group)) && !("node" in one && !nodes.has(one.node)),
    ),
  };
}

export function nameOf({ account, group }: GroupPlan): string {
  return `${account}/${group}`;
}
