import type { Cause } from "./cause.js";
import type { OperationClass } from "./colo.js";
import type { Group, PlacementSpec } from "./group.js";
import type { CloudServerId, LoadBalancerId, ServerId } from "./ids.js";
import type { OrphanRow } from "./orphan.js";
import type { PlacementDoc } from "./placement.js";
import type { CloudServer, Member, ServerRow } from "./server.js";

/** Everything that a plan is made from. Same observation, same plan. */
export interface Observation {
  readonly nowMs: number;
  /** Since when this node has what it knows: its start, or its last take-over or loss of the store. */
  readonly sinceMs: number;
  /** Whose tags are ours (B9.5). */
  readonly installation: string;
  readonly group: Group;
  /** Undefined when the group no longer has a placement here: it drains to zero. */
  readonly spec: PlacementSpec | undefined;
  readonly doc: PlacementDoc;
  /** The live ledger: every row that is not gone. */
  readonly rows: readonly ServerRow[];
  /** Servers with this placement's tags but without a row, as reported (B9.6). */
  readonly orphans: ReadonlyMap<CloudServerId, OrphanRow>;
  /** This node did not see ledger or cloud for a while, and what it knows is to be proven first. */
  readonly doubt?: Doubt;
  readonly cloud: CloudView;
  readonly balancers: ReadonlyMap<LoadBalancerId, BalancerView>;
  /** Names this life of this node: only it may make the calls of intentions that it committed. */
  readonly attemptId: string;
  /**
   * Steps that are queued or running, by `stepKey`: not planned again. Also, by `takenKey` and
   * `askedKey`.
   */
  readonly underWay: ReadonlyMap<string, "queued" | "running">;
  /** Why load balancers last refused this placement's changes, where that lasts (B5.4). */
  readonly refused?: ReadonlyMap<LoadBalancerId, BalancerRefusal>;
  /** Why a class of operations is stopped at the moment; shown, and checked again by the gate. */
  readonly stopped: ReadonlyMap<OperationClass, Cause>;
  /** The rest of the colo, as far as this node knows: illness that many share is not theirs. */
  readonly elsewhere?: SuspicionTally;
}

export interface BalancerRefusal {
  /** As the load balancer's driver classified it. */
  readonly kind: string;
  readonly fault: string;
}

/** How many servers of other placements were once healthy, and how many of those are suspected. */
export interface SuspicionTally {
  readonly known: number;
  readonly suspected: number;
  readonly suspectedOfOtherAccounts: number;
}

/** Why no surplus is deleted until ledger and listing agree (B9.5). */
export interface Doubt {
  readonly why: "start" | "takeOver" | "storeLost";
  /** Listing and ledger, in this order, were asked for after it came up. */
  readonly isFresh: boolean;
}

/** The cloud's servers that carry this placement's tags. */
export type CloudView =
  | {
      readonly kind: "listed";
      /** When the listing was asked for: it says nothing about what happened later. */
      readonly askedAtMs: number;
      readonly servers: readonly CloudServer[];
      /** All of the account's servers by `host` and `host:port`: addresses get reused (B5.2). */
      readonly byAddress?: ReadonlyMap<string, readonly CloudServerId[]>;
      /** The project that the account is pinned to; undefined: 404 proves little (B9.7). */
      readonly project?: string;
      /** How many servers of the whole account the listing shows. */
      readonly accountServers?: number;
      /** Direct look-ups of servers that the listing lacks or has ill; "gone" is the cloud's 404. */
      readonly lookedUp: ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">;
    }
  | { readonly kind: "unavailable"; readonly cause: Cause };

export type BalancerView =
  | { readonly kind: "listed"; readonly askedAtMs: number; readonly members: readonly Member[] }
  | { readonly kind: "gone" }
  | { readonly kind: "unavailable"; readonly cause: Cause };

export interface PlanLimits {
  /** How long a created server may be missing from listings. */
  readonly listingLagMs: number;
  /** How often the cloud is looked at while something is on its way. */
  readonly pollMs: number;
  /** Load balancers here check their members' health. */
  readonly checksHealth: boolean;
  /** Intentions that may be committed in one turn. */
  readonly createsMax: number;
  /** Why creates wait or are not even intended, where the cloud is not well (B9.4). */
  readonly createsWait?: Cause | undefined;
}

/** One idempotent action on the outside. */
export type Step =
  | { readonly kind: "delete"; readonly server: ServerId; readonly cloudId: CloudServerId }
  /** Deletes an orphan by a person's order (B9.6). */
  | { readonly kind: "deleteOrphan"; readonly cloudId: CloudServerId }
  | { readonly kind: "findIntention"; readonly server: ServerId }
  /** Writes the row's tags on its server (M3.2). */
  | { readonly kind: "tag"; readonly server: ServerId; readonly cloudId: CloudServerId }
  /** Takes them away: the server is nobody's from then on (B8.1). */
  | { readonly kind: "untag"; readonly server: ServerId; readonly cloudId: CloudServerId }
  | {
      readonly kind: "changeMembers";
      readonly loadBalancer: LoadBalancerId;
      readonly changes: readonly MemberStep[];
    };

export interface MemberStep {
  readonly server: ServerId;
  readonly kind: "put" | "remove";
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly draining: boolean;
}

export function stepKey(step: Step): string {
  if (step.kind === "changeMembers") return `members:${step.loadBalancer}`;
  return `${step.kind}:${step.kind === "deleteOrphan" ? step.cloudId : step.server}`;
}

/** Under way: the cloud has taken the server's delete, and is given time for it. */
export function takenKey(server: ServerId): string {
  return `taken:${server}`;
}

/** The cloud has taken the server's delete, however long ago. */
export function askedKey(server: ServerId): string {
  return `asked:${server}`;
}

export function createKey(server: ServerId): string {
  return `create:${server}`;
}
