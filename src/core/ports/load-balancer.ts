import type { LoadBalancerId } from "../model/ids.js";
import type { Member } from "../model/server.js";
import type { Call } from "./call.js";
import type { Pinned } from "./cloud.js";

/**
 * One colo's load balancers. The supervisor never runs two changes of one load balancer at once,
 * and merges what waits of one account (B5.4). Throws `OutsideFault`s; `notFound` means the load
 * balancer itself (B5.5).
 */
export interface LoadBalancerDriver {
  readonly capabilities: LoadBalancerCapabilities;

  /** All members, ours and others'. */
  listMembers(loadBalancer: LoadBalancerRef, call: Call): Promise<readonly Member[]>;

  /**
   * Brings members to the wanted state, by (host, port). Idempotent: adding what is there with the
   * same weight changes nothing, removing what is not there succeeds. Either all changes are taken
   * or the call throws; what was taken before a throw is seen by the next `listMembers`.
   */
  changeMembers(
    loadBalancer: LoadBalancerRef,
    changes: readonly MemberChange[],
    call: Call,
  ): Promise<void>;

  close(): Promise<void>;
}

/**
 * A load balancer, and for whom it is asked. Where load balancers belong to projects, the account's
 * own credentials decide what it may look at and change (M9.4); where all accounts share the
 * operator's, a driver goes by the id alone.
 */
export interface LoadBalancerRef extends Pinned {
  readonly id: LoadBalancerId;
}

export interface LoadBalancerCapabilities {
  /** Members have a health of their own, checked by the load balancer. */
  readonly checksHealth: boolean;
  /** Members tell their open connections, so that a drain can end early (B5.3). */
  readonly countsConnections: boolean;
}

export type MemberChange =
  /** Present, taking new connections unless `draining`. */
  | {
      readonly kind: "put";
      readonly host: string;
      readonly port: number;
      readonly weight: number;
      readonly draining: boolean;
    }
  | { readonly kind: "remove"; readonly host: string; readonly port: number };
