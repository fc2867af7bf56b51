import type { CloudServerId, LoadBalancerId } from "../../../src/core/model/ids.js";
import type {
  BalancerView,
  Observation,
  PlanLimits,
  Step,
} from "../../../src/core/model/observation.js";
import { createKey } from "../../../src/core/model/observation.js";
import type { Plan } from "../../../src/core/model/plan.js";
import type { CloudServer, Member, Membership, ServerRow } from "../../../src/core/model/server.js";
import { bind, move } from "../../../src/core/plan/lifecycle.js";
import { planPlacement } from "../../../src/core/plan/plan-placement.js";
import { serverOf, tagsOf } from "./fixtures.js";

/** A world in which every step is done at once and every answer comes: plans must come to rest. */
export interface PerfectWorld {
  readonly seen: Observation;
  /** Plans once and does what the plan says. */
  turn(limits: PlanLimits, advanceMs: number): { readonly seen: Observation; readonly plan: Plan };
}

export function createPerfectWorld(start: Observation): PerfectWorld {
  let seen = withLookUps(start);
  let births = 0;

  return {
    get seen() {
      return seen;
    },
    turn(limits, advanceMs) {
      const planned = seen;
      const plan = planPlacement(planned, limits);
      seen = { ...achieve(planned, plan), nowMs: planned.nowMs + advanceMs };
      return { seen: planned, plan };
    },
  };

  function achieve(before: Observation, plan: Plan): Observation {
    const { nowMs } = before;
    const rows = new Map(before.rows.map((row) => [row.id, row]));
    for (const row of plan.rows) rows.set(row.id, row);
    const cloud = new Map(serversOf(before).map((server) => [server.id, server]));
    for (const server of plan.withdraw) rows.set(server, move(rows.get(server)!, "end", nowMs));
    const balancers = new Map(before.balancers);
    for (const step of plan.steps) act(step, { rows, cloud, balancers, nowMs });
    for (let count = 0; count < plan.creates; count++) {
      const id = `b${++births}`;
      const server = serverOf(id, { address: { host: `10.1.0.${births}`, port: 0 } });
      const row = born(id, before, plan.choices[count]!.revision);
      const ownership = tagsOf(id, { launchRevision: row.launchRevision });
      cloud.set(server.id, { ...server, ownership });
      rows.set(row.id, bind(row, server, nowMs));
    }
    // Calls that were under way are answered, too: each intention's server is there.
    for (const row of rows.values()) {
      if (row.state !== "intended" || !before.underWay.has(createKey(row.id))) continue;
      const server = serverOf(row.id);
      cloud.set(server.id, server);
      rows.set(row.id, bind(row, server, nowMs));
    }
    const live = [...rows.values()].filter((row) => row.state !== "gone");
    const next: Observation = {
      ...before,
      doc: plan.doc,
      orphans: new Map(
        [...before.orphans.values(), ...plan.orphans]
          .filter(({ cloudId }) => !plan.orphansGone.includes(cloudId))
          .map((row) => [row.cloudId, row]),
      ),
      rows: live,
      balancers: new Map([...balancers].map(([id, view]) => [id, settled(view, nowMs + 1)])),
      underWay: new Map(),
      cloud: {
        kind: "listed",
        askedAtMs: nowMs,
        servers: [...cloud.values()].map(grown),
        lookedUp: new Map(),
      },
    };
    return plan.lookUps.length > 0 ? withLookUps(next) : next;
  }
}

interface Reality {
  readonly rows: Map<string, ServerRow>;
  readonly cloud: Map<CloudServerId, CloudServer>;
  readonly balancers: Map<LoadBalancerId, BalancerView>;
  readonly nowMs: number;
}

function act(step: Step, { rows, cloud, balancers, nowMs }: Reality): void {
  switch (step.kind) {
    case "delete":
      cloud.delete(step.cloudId);
      rows.set(step.server, move(rows.get(step.server)!, "end", nowMs));
      return;
    case "tag":
    case "untag": {
      const { ownership: _before, ...server } = cloud.get(step.cloudId) ?? serverOf(step.server);
      const { tags: _tags, ...row } = rows.get(step.server)!;
      const untag = step.kind === "untag";
      const ownership = tagsOf(step.server, { launchRevision: row.launchRevision });
      cloud.set(step.cloudId, untag ? server : { ...server, ownership });
      rows.set(step.server, untag ? move(row, "end", nowMs) : row);
      return;
    }
    case "deleteOrphan":
      cloud.delete(step.cloudId);
      return;
    case "findIntention":
      rows.set(step.server, move(rows.get(step.server)!, "abandon", nowMs));
      return;
    case "changeMembers": {
      const view = balancers.get(step.loadBalancer);
      if (view?.kind !== "listed") return;
      const members = new Map(view.members.map((one) => [`${one.host}:${one.port}`, one]));
      for (const change of step.changes) {
        const { host, port, weight, draining } = change;
        const key = `${host}:${port}`;
        if (change.kind === "remove") members.delete(key);
        else members.set(key, { host, port, weight, draining, health: "healthy", connections: 0 });
        rows.set(change.server, remembered(rows.get(change.server)!, step.loadBalancer, change));
      }
      balancers.set(step.loadBalancer, { ...view, members: [...members.values()] });
      return;
    }
    default:
      step satisfies never;
  }
}

function remembered(
  row: ServerRow,
  loadBalancer: LoadBalancerId,
  change: Extract<Step, { kind: "changeMembers" }>["changes"][number],
): ServerRow {
  const isIt = (one: Membership) =>
    one.loadBalancer === loadBalancer && one.host === change.host && one.port === change.port;
  const state = change.draining ? "draining" : "member";
  const memberships =
    change.kind === "remove"
      ? row.memberships.filter((one) => !isIt(one))
      : row.memberships.map((one): Membership => (isIt(one) ? { ...one, state } : one));
  return { ...row, memberships };
}

/** Servers that build become active; what someone else deletes goes. */
function grown(server: CloudServer): CloudServer {
  return server.status === "BUILD" ? { ...server, status: "ACTIVE" } : server;
}

function settled(view: BalancerView, askedAtMs: number): BalancerView {
  if (view.kind !== "listed") return view;
  const members = view.members.map((one): Member => ({ ...one, health: "healthy" }));
  return { ...view, askedAtMs, members };
}

/** What is not listed and was not said to exist is gone. */
function withLookUps(seen: Observation): Observation {
  const { cloud } = seen;
  if (cloud.kind !== "listed") return seen;
  const listed = new Set(cloud.servers.map((server) => server.id));
  const lookedUp = new Map(cloud.lookedUp);
  for (const { cloudId } of seen.rows)
    if (cloudId && !listed.has(cloudId) && !lookedUp.has(cloudId)) lookedUp.set(cloudId, "gone");
  for (const server of cloud.servers) if (!lookedUp.has(server.id)) lookedUp.set(server.id, server);
  return { ...seen, cloud: { ...cloud, lookedUp } };
}

function serversOf({ cloud }: Observation): readonly CloudServer[] {
  if (cloud.kind !== "listed") return [];
  const found = [...cloud.lookedUp.values()].filter((one) => typeof one === "object");
  const listed = new Set(cloud.servers.map((server) => server.id));
  return [...cloud.servers, ...found.filter((one) => !listed.has(one.id))];
}

function born(id: string, { nowMs, attemptId }: Observation, launchRevision: number): ServerRow {
  return {
    id: id as ServerRow["id"],
    state: "intended",
    sinceMs: nowMs,
    createdAtMs: nowMs,
    launchRevision,
    attempt: { id: attemptId, callDeadlineMs: nowMs + 62_000 },
    memberships: [],
    protected: false,
  };
}
