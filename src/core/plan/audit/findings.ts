import type { Cause } from "../../model/cause.js";
import type { OperationClass } from "../../model/colo.js";
import type { Difference, DifferenceAction, DifferenceKind } from "../../model/difference.js";
import type { Group } from "../../model/group.js";
import type { CloudServerId, PlacementKey, ServerId } from "../../model/ids.js";
import type { Observation } from "../../model/observation.js";
import { callStopped } from "../../model/pause.js";
import type { PlacementDoc } from "../../model/placement.js";
import type { ServerRow } from "../../model/server.js";

/** One placement from its three sides. */
export interface AuditSight
  extends Pick<
    Observation,
    "nowMs" | "installation" | "rows" | "orphans" | "cloud" | "balancers" | "stopped"
  > {
  readonly key: PlacementKey;
  /** Undefined: there is no such group. */
  readonly group: Group | undefined;
  /** Undefined: the group has no placement here. */
  readonly doc: PlacementDoc | undefined;
  /** How long a created server may be missing from listings. */
  readonly listingLagMs: number;
}

export interface Audited {
  readonly differences: readonly Difference[];
  /** Look each of these up, then audit again: until then it is only said that they will be. */
  readonly lookUps: readonly CloudServerId[];
}

/** What an audit writes down as it goes. */
export interface Findings {
  readonly sight: AuditSight;
  add(kind: DifferenceKind, cause: Cause, action: DifferenceAction, more?: Details): void;
  lookUp(id: CloudServerId): void;
  done(): Audited;
}

type Details = Omit<
  Difference,
  "account" | "group" | "kind" | "cause" | "action" | "stoppedBy" | "untilMs"
> & {
  readonly untilMs?: number | undefined;
};

/** Which brake stops an action; what only looks or notes is stopped by none. */
const classes: Readonly<Partial<Record<DifferenceAction, OperationClass>>> = {
  replace: "create",
  delete: "delete",
  attach: "loadBalancer",
  detach: "loadBalancer",
};

export function createFindings(sight: AuditSight): Findings {
  const { account, group } = sight.key;
  const differences: Difference[] = [];
  const lookUps: CloudServerId[] = [];
  return {
    sight,
    add(kind, cause, action, { untilMs, ...more } = {}) {
      const class_ = kind === "memberWrong" ? "loadBalancer" : classes[action];
      const stoppedBy =
        class_ && (sight.stopped.get(class_) ?? pausedFor(sight, class_, more.server));
      differences.push({
        ...{ account, group, kind, ...more, cause, action },
        ...(untilMs === undefined ? {} : { untilMs }),
        ...(stoppedBy === undefined ? {} : { stoppedBy }),
      });
    },
    lookUp: (id) => void lookUps.push(id),
    done: () => ({ differences, lookUps }),
  };
}

/** Why the action waits where only a process of the group is paused (B8.1). */
function pausedFor(
  { doc, rows }: AuditSight,
  operation: OperationClass,
  server: ServerId | undefined,
): Cause | undefined {
  const row = doc?.pausedProcesses && rows.find(({ id }) => id === server);
  return doc && row && callStopped(doc, operation, row);
}

/** What names a row, in differences and in their causes. */
export function namesOf(row: ServerRow) {
  return { server: row.id, ...(row.cloudId === undefined ? {} : { cloudId: row.cloudId }) };
}
