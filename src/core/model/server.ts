import type { Cause } from "./cause.js";
import type { LaunchChoice } from "./group.js";
import type { CloudServerId, EventId, LoadBalancerId, ServerId } from "./ids.js";

/**
 * The life of a server in the ledger. `core/plan/lifecycle.ts` names every transition.
 *
 * intended → building → launching → inService → draining → deleting → gone
 * intended → unconfirmed → building | abandoned
 * inService → standingBy → launching
 * any of a bound server → releasing → gone
 */
export type ServerState =
  /** The intention is committed; its create call may be under way. */
  | "intended"
  /** The create's answer was lost: looked up by tag, never repeated (B4.5). */
  | "unconfirmed"
  /** Given up; kept for days, since a server may still show up and is then ours and surplus. */
  | "abandoned"
  | "building"
  /** Active in the cloud; being attached and waited for until healthy. */
  | "launching"
  | "inService"
  /** A person took it out of service and keeps it: it leaves its load balancers (B8.1). */
  | "standingBy"
  | "draining"
  | "deleting"
  /** Let go of: memberships and tags are taken away, and the server runs on without us (B8.1). */
  | "releasing"
  | "gone";

/** One row of the ledger: an intention first, a cloud server later, gone at the end (M3.2). */
export interface ServerRow {
  readonly id: ServerId;
  readonly state: ServerState;
  readonly sinceMs: number;
  readonly createdAtMs: number;
  readonly launchRevision: number;
  /** What it was asked for as. Rows of older versions lack it: the flavor, and no zone (B4.7). */
  readonly choice?: LaunchChoice;
  /** The attempt that committed the intention; only it may make the create call. */
  readonly attempt: { readonly id: string; readonly callDeadlineMs: number };
  /** The cloud's own id of the create's request, answered or lost, for its operators. */
  readonly createRequestId?: string;
  readonly cloudId?: CloudServerId;
  readonly address?: ServerAddress;
  /** The cloud's own word for the server's state, as last seen. */
  readonly cloudStatus?: string;
  readonly cloudStatusSinceMs?: number;
  /** Since when the cloud denies it, while that is only a suspicion (B4.3). */
  readonly missingSinceMs?: number;
  /**
   * What is wrong with the server's tags: `lost` ones are written again from here, `foreign` ones
   * name somebody else and wait for a person; those of an `adopted` server are yet to be written.
   */
  readonly tags?: "lost" | "foreign" | "adopted";
  /**
   * A person brought it here alive: until it serves, and until the surplus that it made is gone,
   * others are given up in its stead (B8.1).
   */
  readonly adoptedAtMs?: number;
  readonly memberships: readonly Membership[];
  readonly protected: boolean;
  /** A monitor outside says that it is ill; of no meaning once its time is over (B9.2). */
  readonly reported?: HealthReport;
  /** Since when a person has it stand by, and whether the target was lowered for it (B8.1). */
  readonly standBy?: StandByMark;
  readonly inServiceAtMs?: number;
  readonly drainingSinceMs?: number;
  readonly deletingSinceMs?: number;
  /** It was asked for in the place of a server that was lost; undefined: by the target. */
  readonly replaces?: true;
  /** The event that asked for the server. */
  readonly createdBy?: string;
  /** The event that asked for its end, or told of it: its last steps follow from that one. */
  readonly removedBy?: string;
  /** Why it leaves. */
  readonly leaving?: Cause;
  /** A chosen server that is deleted without lowering demand is replaced (B8.1). */
  readonly fault?: string;
  /** What it last said on its console, as asked before its end; "" where that said nothing. */
  readonly consoleTail?: string;
}

export interface StandByMark {
  readonly sinceMs: number;
  readonly principal: string;
  readonly lowered: boolean;
}

export interface HealthReport {
  readonly reason: string;
  readonly principal: string;
  readonly atMs: number;
  readonly untilMs: number;
}

export interface ServerAddress {
  readonly host: string;
  /** 0 where the cloud knows only hosts. */
  readonly port: number;
}

/** A membership that the service itself made. Others are never touched (B5.2). */
export interface Membership {
  readonly loadBalancer: LoadBalancerId;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly state: "adding" | "member" | "draining" | "removing";
  /**
   * When it was last asked for or changed: what was seen of the load balancer before says nothing.
   */
  readonly changedAtMs?: number;
  /** The edit that asked for it or ended it while the server was in service. */
  readonly by?: EventId;
}

/** The tags on a cloud server that make it provably ours (M3.2, B9.5). */
export interface Ownership {
  readonly installation: string;
  readonly account: string;
  readonly group: string;
  readonly colo: string;
  readonly server: string;
  readonly launchRevision: number;
}

/** A server as the cloud tells of it. */
export interface CloudServer {
  readonly id: CloudServerId;
  readonly name: string;
  /**
   * Nova's vocabulary (ACTIVE, BUILD, ERROR, SHUTOFF, …). Words never heard of are legal (B4.2).
   */
  readonly status: string;
  readonly taskState?: string;
  /** How the machine under it does, where the cloud tells: Nova's UP, DOWN, MAINTENANCE, … */
  readonly hostStatus?: string;
  readonly address?: ServerAddress;
  readonly ownership?: Ownership;
  readonly createdAtMs: number;
  /** The cloud's own text of what went wrong. */
  readonly fault?: string;
  /** What the driver makes of that text: there was no room for it, as in an OutsideFault (B4.7). */
  readonly faultKind?: "noCapacity";
}

/** A load balancer's member as the load balancer tells of it. */
export interface Member {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly draining: boolean;
  readonly health: "healthy" | "unhealthy" | "unknown";
  /** Open connections; undefined where the load balancer does not tell. */
  readonly connections?: number;
}
