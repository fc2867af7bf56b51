import type { AccountId, ColoId, GroupId, LoadBalancerId } from "./ids.js";

/**
 * What the user configures (B1.2). Stored whole; `generation` counts its changes and is its etag.
 */
export interface Group {
  readonly account: AccountId;
  readonly id: GroupId;
  /** Never reused, even when a group of the same id is created again. */
  readonly uid: string;
  readonly generation: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly displayName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly placements: readonly PlacementSpec[];
  readonly launch: LaunchConfiguration;
  /** Counts the edits of `launch`; every server remembers the revision it was made from (B1.7). */
  readonly launchRevision: number;
  /** Older ones that placements may still make servers from, the newest first (B8.5). */
  readonly launches?: readonly KeptLaunch[];
  readonly cooldownMs: number;
  readonly warmUpMs: number;
  readonly buildTimeoutMs: number;
  readonly stoppedGraceMs: number;
  readonly stoppedServers: "replace" | "keep";
  /** What becomes of servers whose reboot, resize or the like does not end (B4.2). Default: kept. */
  readonly overdueServers?: "replace" | "keep";
  /** What health checks mean for replacement. Default: nothing. */
  readonly health?: HealthSpec;
  readonly scaleInOrder: ScaleInOrder;
  /** Servers beyond the target that may exist while others are replaced (B9.3). */
  readonly surge: number;
  /** How fast what is not asked for by a person or a schedule may scale in. Default: as it asks. */
  readonly scaleInLimit?: ScaleInLimit;
  /** The total target that its placements start from (B1.6). */
  readonly firstTarget: number;
  /** Whether others take up the share of a colo that cannot see to it. Default: not (B11.4). */
  readonly spill?: boolean;
  /** Set by a forced delete: drains to zero, then the group goes (B8.4). */
  readonly deleting: boolean;
  /**
   * By colo, the generation that last lowered the placement's max or took it out of the group: what
   * others take over from it they have only once it has heard of that (B11.4).
   */
  readonly maxLowered?: Readonly<Record<ColoId, number>>;
  /** Who made the last edit, for the events that tell of it (B10.5). */
  readonly changedBy?: string;
}

/** At most so many servers, or such a share of them, within a time (B3.5). Exactly one is given. */
export interface ScaleInLimit {
  readonly servers?: number;
  readonly partsPerMillion?: number;
  readonly withinMs: number;
}

export interface HealthSpec {
  /** Members that a load balancer has unhealthy are suspected (B5.6). */
  readonly useLoadBalancer: boolean;
  /** From coming into service on nobody is suspected for so long (B6.1). */
  readonly bootGraceMs: number;
}

export interface PlacementSpec {
  readonly colo: ColoId;
  readonly min: number;
  readonly max: number;
  readonly weight: number;
  readonly attachments: readonly Attachment[];
}

/** One load balancer that a placement's servers are members of (B5). */
export interface Attachment {
  readonly loadBalancer: LoadBalancerId;
  /** The servers' port. 0: the port that the cloud reports for the server. */
  readonly port: number;
  readonly weight: number;
  readonly drainTimeoutMs: number;
}

/** In which order servers in service are chosen when scaling in (B4.4). */
export type ScaleInOrder = "oldestFirst" | "newestFirst" | "oldestLaunchFirst";

/** A launch configuration that is not the newest any more. */
export interface KeptLaunch {
  readonly revision: number;
  readonly launch: LaunchConfiguration;
}

/** What servers are made from. Everything here reaches the cloud unchanged (M4.4). */
export interface LaunchConfiguration {
  readonly image: string;
  readonly flavor: string;
  readonly userData: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Arguments of the colo's own cloud driver, checked by that driver. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Tried in this order where there is no room for `flavor` (B4.7). */
  readonly fallbackFlavors?: readonly string[];
  /** Servers are balanced over them (B4.7). Without any the cloud chooses. */
  readonly availabilityZones?: readonly string[];
}

/** What one server is made as; without a zone the cloud chooses (B4.7). */
export interface LaunchChoice {
  readonly flavor: string;
  readonly zone?: string;
}
