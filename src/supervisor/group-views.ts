import type { Cause } from "../core/model/cause.js";
import type { Group } from "../core/model/group.js";
import type { ColoId, GroupKey } from "../core/model/ids.js";
import type { Condition, PlacementDoc } from "../core/model/placement.js";
import type { RebuildMark, RebuildOptions } from "../core/model/rebuild.js";

export interface GroupView {
  readonly group: Group;
  readonly placements: readonly PlacementView[];
}

export interface PlacementView extends Pick<PlacementDoc, "paused" | "pausedProcesses"> {
  readonly colo: ColoId;
  readonly target: number;
  readonly inService: number;
  readonly pending: number;
  readonly leaving: number;
  /** Kept out of service by a person (B8.1). */
  readonly standingBy: number;
  readonly conditions: readonly Condition[];
  /** Of another colo's placement: as of when its copy is here, by that colo's clock. */
  readonly copySeenAtMs?: number;
  /** What new servers are made from, rebuilds apart (B8.5). */
  readonly launchRevision: number;
  readonly rebuild?: RebuildView;
}

/** A placement's rebuild, and how far it is. */
export interface RebuildView {
  readonly mark: RebuildMark;
  /** Servers in service that it need not replace (any more). */
  readonly current: number;
  /** Servers that it has yet to replace, protected ones included. */
  readonly outdated: number;
  /** Why it waits or was stopped. */
  readonly causes: readonly Cause[];
}

export interface RebuildGroup {
  readonly key: GroupKey;
  readonly word: RebuildWord;
}

export type RebuildWord =
  /** Begins one to the newest launch revision; surge and unavailable have the group's defaults. */
  | { readonly kind: "start"; readonly options: GivenRebuildOptions }
  | { readonly kind: "cancel" | "continue" | "rollBack" };

export type GivenRebuildOptions = Omit<RebuildOptions, "surge" | "unavailable"> &
  Partial<Pick<RebuildOptions, "surge" | "unavailable">>;
