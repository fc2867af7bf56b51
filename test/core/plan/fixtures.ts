import { cause } from "../../../src/core/model/cause.js";
import type { Attachment, Group, PlacementSpec } from "../../../src/core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  LoadBalancerId,
  PlacementKey,
  ServerId,
} from "../../../src/core/model/ids.js";
import type { BalancerView, Observation, PlanLimits } from "../../../src/core/model/observation.js";
import type { PlacementDoc } from "../../../src/core/model/placement.js";
import type { Plan } from "../../../src/core/model/plan.js";
import type {
  CloudServer,
  Member,
  Membership,
  Ownership,
  ServerRow,
  ServerState,
} from "../../../src/core/model/server.js";

export const t0 = Date.UTC(2026, 0, 1);
export const key: PlacementKey = {
  account: "acme" as AccountId,
  group: "web" as GroupId,
  colo: "iad" as ColoId,
};
export const lb = "lb-1" as LoadBalancerId;
export const attemptId = "this-life";

export const limits: PlanLimits = {
  listingLagMs: 5_000,
  pollMs: 1_000,
  checksHealth: true,
  createsMax: 500,
};

export function groupOf(change: Partial<Group> = {}): Group {
  return {
    account: key.account,
    id: key.group,
    uid: "uid-1",
    generation: 1,
    createdAtMs: t0,
    updatedAtMs: t0,
    displayName: "web",
    labels: {},
    placements: [specOf()],
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    launchRevision: 1,
    cooldownMs: 0,
    warmUpMs: 0,
    buildTimeoutMs: 3_600_000,
    stoppedGraceMs: 600_000,
    stoppedServers: "replace",
    scaleInOrder: "oldestFirst",
    surge: 0,
    firstTarget: 0,
    deleting: false,
    ...change,
  };
}

export function specOf(change: Partial<PlacementSpec> = {}): PlacementSpec {
  return { colo: key.colo, min: 0, max: 100, weight: 1, attachments: [], ...change };
}

export function attachmentOf(change: Partial<Attachment> = {}): Attachment {
  return { loadBalancer: lb, port: 80, weight: 10, drainTimeoutMs: 60_000, ...change };
}

export function docOf(change: Partial<PlacementDoc> = {}): PlacementDoc {
  return {
    key,
    groupUid: "uid-1",
    groupGeneration: 1,
    min: 0,
    max: 100,
    target: 0,
    targetChangedAtMs: t0,
    deleting: false,
    groupMarks: {},
    policyMarks: {},
    conditions: [],
    ...change,
  };
}

/** A row as it looks in that state, an hour old, bound to `cloud-<id>` where it is bound. */
export function rowOf(id: string, state: ServerState, change: Partial<ServerRow> = {}): ServerRow {
  const bound = state !== "intended" && state !== "unconfirmed" && state !== "abandoned";
  const running = state === "inService" || state === "draining" || state === "deleting";
  const sinceMs = t0 - 3_600_000;
  return {
    id: id as ServerId,
    state,
    sinceMs,
    createdAtMs: sinceMs,
    launchRevision: 1,
    attempt: { id: attemptId, callDeadlineMs: sinceMs + 62_000 },
    memberships: [],
    protected: false,
    ...(bound ? { cloudId: `cloud-${id}` as CloudServerId, cloudStatus: "ACTIVE" } : {}),
    ...(bound ? { cloudStatusSinceMs: sinceMs, address: { host: `10.0.0.${id}`, port: 0 } } : {}),
    ...(running ? { inServiceAtMs: sinceMs } : {}),
    ...(state === "draining" ? { drainingSinceMs: sinceMs } : {}),
    ...(state === "deleting" ? { deletingSinceMs: sinceMs } : {}),
    ...(state === "draining" || state === "deleting" ? { leaving: cause("B4.4", "SURPLUS") } : {}),
    ...change,
  };
}

export function tagsOf(id: string, change: Partial<Ownership> = {}): Ownership {
  return { installation: "test", ...key, server: id, launchRevision: 1, ...change };
}

/** The cloud's server of the row with this id. */
export function serverOf(id: string, change: Partial<CloudServer> = {}): CloudServer {
  return {
    id: `cloud-${id}` as CloudServerId,
    name: `web-${id}`,
    status: "ACTIVE",
    address: { host: `10.0.0.${id}`, port: 0 },
    ownership: tagsOf(id),
    createdAtMs: t0 - 3_600_000,
    ...change,
  };
}

/** What a plan is made from: every bound row listed as ACTIVE unless said otherwise. */
export function seenOf(
  rows: readonly ServerRow[],
  change: Partial<Omit<Observation, "doc" | "cloud">> & {
    readonly target?: number;
    readonly doc?: Partial<PlacementDoc>;
    readonly listed?: readonly CloudServer[];
    readonly lookedUp?: readonly (readonly [string, CloudServer | "gone" | "unknown"])[];
    readonly cloud?: Observation["cloud"];
  } = {},
): Observation {
  const { target = rows.length, doc, listed, lookedUp = [], cloud, ...rest } = change;
  const nowMs = rest.nowMs ?? t0;
  return {
    nowMs,
    sinceMs: 0,
    installation: "test",
    group: groupOf(),
    spec: specOf(),
    doc: docOf({ target, ...doc }),
    rows,
    cloud: cloud ?? {
      kind: "listed",
      askedAtMs: nowMs,
      servers: listed ?? rows.filter((row) => row.cloudId).map((row) => serverOf(row.id)),
      lookedUp: new Map(lookedUp as [CloudServerId, CloudServer | "gone" | "unknown"][]),
    },
    balancers: new Map(),
    attemptId,
    underWay: new Map(),
    stopped: new Map(),
    orphans: new Map(),
    ...rest,
  };
}

/** With one attachment: the group's spec and its load balancer's members. */
export function attached(
  members: readonly Member[] | "gone" | "unavailable",
  change: Partial<Attachment> = {},
): Pick<Observation, "spec" | "balancers"> {
  return {
    spec: specOf({ attachments: [attachmentOf(change)] }),
    balancers: new Map([[lb, viewOf(members)]]),
  };
}

export function viewOf(members: readonly Member[] | "gone" | "unavailable"): BalancerView {
  if (members === "gone") return { kind: "gone" };
  if (members === "unavailable")
    return { kind: "unavailable", cause: cause("B4.3", "LISTING_PARTIAL") };
  return { kind: "listed", askedAtMs: t0, members };
}

export function memberOf(id: string, change: Partial<Member> = {}): Member {
  const base = { host: `10.0.0.${id}`, port: 80, weight: 10, draining: false };
  return { ...base, health: "healthy", connections: 3, ...change };
}

export function membershipOf(id: string, change: Partial<Membership> = {}): Membership {
  const base = { loadBalancer: lb, host: `10.0.0.${id}`, port: 80, weight: 10 };
  return { ...base, state: "member", ...change };
}

/** `id:state` of the rows that the plan changes. */
export function statesOf(plan: Plan): readonly string[] {
  return plan.rows.map((row) => `${row.id}:${row.state}`);
}

export function eventsOf(plan: Plan): readonly string[] {
  return plan.events
    .filter((event) => event.type !== "group.condition")
    .map((event) => `${event.type}${event.server ? `:${event.server}` : ""}`);
}

/** The codes of what the plan waits for. */
export function waitsOf(plan: Plan): readonly string[] {
  const waiting = plan.doc.conditions.find((one) => one.type === "waiting");
  return waiting?.causes.map((one) => one.code) ?? [];
}

export function conditionOf(plan: Plan, type: string) {
  return plan.doc.conditions.find((one) => one.type === type);
}

/** Nothing to write down and nothing to do. */
export function isEmptyPlan(plan: Plan, { doc }: Observation): boolean {
  const { rows, creates, withdraw, lookUps, steps, events } = plan;
  const lists = [rows, withdraw, lookUps, steps, events];
  return plan.doc === doc && creates === 0 && lists.every((list) => list.length === 0);
}
