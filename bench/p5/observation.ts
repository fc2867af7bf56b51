import type { Attachment, Group } from "../../src/core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  LoadBalancerId,
  ServerId,
} from "../../src/core/model/ids.js";
import type { Observation, PlanLimits } from "../../src/core/model/observation.js";
import type { PlacementDoc } from "../../src/core/model/placement.js";
import type { CloudServer, Member, ServerRow } from "../../src/core/model/server.js";
import { planPlacement } from "../../src/core/plan/plan-placement.js";

const nowMs = Date.UTC(2030, 0, 1);
const bornMs = nowMs - 86_400_000;
const account = "acme" as AccountId;
const group = "web" as GroupId;
const colo = "iad" as ColoId;
const attachment: Attachment = {
  loadBalancer: "web" as LoadBalancerId,
  port: 80,
  weight: 1,
  drainTimeoutMs: 30_000,
};

export const planLimits: PlanLimits = {
  listingLagMs: 5_000,
  pollMs: 2_000,
  checksHealth: true,
  createsMax: 500,
};

/** A placement at rest: every server active, a healthy member, and nothing to do. */
export function steadyObservation(servers: number): Observation {
  return observationOf(groupOf(servers, [attachment]), servers);
}

/** The same without any load balancer. */
export function bareObservation(servers: number): Observation {
  return observationOf(groupOf(servers, []), servers);
}

function observationOf(group: Group, servers: number): Observation {
  const attachments = group.placements.flatMap((one) => one.attachments);
  const rows = Array.from({ length: servers }, (_, index) => rowOf(index, attachments));
  const seen: Observation = {
    nowMs,
    sinceMs: 0,
    installation: "bench",
    group,
    spec: group.placements[0],
    doc: docOf(servers),
    rows,
    cloud: {
      kind: "listed",
      askedAtMs: nowMs - 1_000,
      servers: rows.map((row) => cloudServerOf(row)),
      lookedUp: new Map(),
    },
    balancers: new Map(
      attachments.map((one) => [
        one.loadBalancer,
        { kind: "listed", askedAtMs: nowMs - 1_000, members: rows.map(memberOf) },
      ]),
    ),
    attemptId: "life-1",
    underWay: new Map(),
    stopped: new Map(),
    orphans: new Map(),
  };
  // The first plan writes the conditions down; from then on there is nothing to say.
  return { ...seen, doc: planPlacement(seen, planLimits).doc };
}

/**
 * The same with a tenth of it changed: 3 % in ERROR, 3 % vanished (looked up, confirmed gone), 2 %
 * no members of the load balancer any more, and a target that is 2 % higher.
 */
export function changedObservation(servers: number): Observation {
  const steady = steadyObservation(servers);
  if (steady.cloud.kind !== "listed") throw new Error("the cloud is listed");
  const share = (index: number) => index % 100;
  const gone = steady.cloud.servers.filter((_, index) => share(index) >= 3 && share(index) < 6);
  const isGone = new Set(gone.map((server) => server.id));
  const listed = steady.cloud.servers
    .map((server, index) => (share(index) < 3 ? { ...server, status: "ERROR" } : server))
    .filter((server) => !isGone.has(server.id));
  const members = steady.rows
    .filter((_, index) => share(index) < 6 || share(index) >= 8)
    .map(memberOf);
  return {
    ...steady,
    doc: { ...steady.doc, target: Math.round(servers * 1.02) },
    cloud: {
      ...steady.cloud,
      servers: listed,
      lookedUp: new Map(gone.map((server) => [server.id, "gone" as const])),
    },
    balancers: new Map([
      [attachment.loadBalancer, { kind: "listed", askedAtMs: nowMs - 1_000, members }],
    ]),
  };
}

function rowOf(index: number, attachments: readonly Attachment[]): ServerRow {
  const number = String(index).padStart(8, "0");
  const host = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  return {
    id: `server-${number}` as ServerId,
    state: "inService",
    sinceMs: bornMs,
    createdAtMs: bornMs + index,
    launchRevision: 1,
    attempt: { id: "life-1", callDeadlineMs: bornMs + 60_000 },
    cloudId: `cloud-${number}` as CloudServerId,
    address: { host, port: 0 },
    cloudStatus: "ACTIVE",
    cloudStatusSinceMs: bornMs,
    memberships: attachments.map(({ loadBalancer, port, weight }) => {
      return { loadBalancer, host, port, weight, state: "member" };
    }),
    protected: false,
    inServiceAtMs: bornMs,
    createdBy: "event-1",
  };
}

function cloudServerOf(row: ServerRow): CloudServer {
  return {
    id: row.cloudId!,
    name: `web-${row.id}`,
    status: "ACTIVE",
    // Of equal text, but other objects: as they come from a cloud's answer.
    address: { ...row.address! },
    ownership: {
      installation: "bench",
      account,
      group,
      colo,
      server: row.id,
      launchRevision: row.launchRevision,
    },
    createdAtMs: row.createdAtMs,
  };
}

function memberOf(row: ServerRow): Member {
  const { host } = row.address!;
  return {
    host,
    port: attachment.port,
    weight: attachment.weight,
    draining: false,
    health: "healthy",
    connections: 3,
  };
}

function docOf(target: number): PlacementDoc {
  return {
    key: { account, group, colo },
    groupUid: "group-1",
    groupGeneration: 1,
    min: 0,
    max: target * 2,
    target,
    targetChangedAtMs: bornMs,
    deleting: false,
    groupMarks: {},
    policyMarks: {},
    conditions: [],
  };
}

function groupOf(servers: number, attachments: readonly Attachment[]): Group {
  return {
    account,
    id: group,
    uid: "group-1",
    generation: 1,
    createdAtMs: bornMs,
    updatedAtMs: bornMs,
    displayName: "web",
    labels: {},
    placements: [{ colo, min: 0, max: servers * 2, weight: 1, attachments }],
    launch: { image: "debian", flavor: "small", userData: "", metadata: {}, parameters: {} },
    launchRevision: 1,
    cooldownMs: 0,
    warmUpMs: 0,
    buildTimeoutMs: 3_600_000,
    stoppedGraceMs: 600_000,
    stoppedServers: "replace",
    scaleInOrder: "oldestFirst",
    surge: 0,
    firstTarget: servers,
    deleting: false,
  };
}
