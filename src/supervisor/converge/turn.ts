import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import { type OperationClass, operationClasses } from "../../core/model/colo.js";
import type { EventDraft } from "../../core/model/event.js";
import type { Group } from "../../core/model/group.js";
import {
  type CloudServerId,
  type EventId,
  type LoadBalancerId,
  type PlacementKey,
  placementText,
  type ServerId,
} from "../../core/model/ids.js";
import type {
  BalancerView,
  CloudView,
  Observation,
  PlanLimits,
} from "../../core/model/observation.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { Plan } from "../../core/model/plan.js";
import type { CloudServer, ServerRow } from "../../core/model/server.js";
import { checkPlan } from "../../core/plan/check-plan.js";
import { countRows, planPlacement } from "../../core/plan/plan-placement.js";
import type { Colo } from "../colo/colo.js";
import { lookDeadlineMs } from "../colo/outside.js";
import type { Context } from "../context.js";
import { tracePlan } from "../events/lineage.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import { type Actors, callWaitMs } from "./act.js";
import type { ColoDoubt, Doubts } from "./doubts.js";
import { balancerViewOf } from "./watch.js";

/** Observe, plan, commit, act: one placement's servers come nearer to its target. */
export interface Converger {
  converge(actor: PlacementActor, group: Group): Promise<Converged>;
}

export interface Converged {
  /** When to look again; undefined when nothing is on its way. */
  readonly wakeAtMs: number | undefined;
  /** The revision that was planned on and needed no change; undefined when it did. */
  readonly revision: number | undefined;
}

/** How old a listing may be while nothing is on its way here. */
const quietListingMs = 15_000;
/** Intentions of one turn: more would only wait, and each waiting one is a promise to keep. */
const createsPerTurnMax = 500;

export function createConverger(context: Context, actors: Actors, doubts: Doubts): Converger {
  const { clock, ids, events, signal } = context;

  async function observeCloud(colo: Colo, state: PlacementState): Promise<CloudView> {
    const { key } = state;
    const busy = isBusy(state);
    const maxAgeMs = busy ? colo.setup.pollMs : Math.max(colo.setup.pollMs, quietListingMs);
    const look = await colo.servers.look(key.account, maxAgeMs);
    if (look.kind === "failed") {
      const isDenied = look.cause.facts["kind"] === "denied";
      const denied = isDenied ? colo.credentials.refusal(key.account) : undefined;
      return { kind: "unavailable", cause: denied ?? look.cause };
    }
    return {
      kind: "listed",
      askedAtMs: look.askedAtMs,
      servers: look.value.byPlacement.get(`${key.group}/${key.colo}`) ?? [],
      byAddress: look.value.byAddress,
      ...pinnedTo(colo.credentials.projectOf(key.account)),
      accountServers: look.value.serversCount,
      lookedUp: new Map(),
    };
  }

  async function observeBalancers(
    colo: Colo,
    state: PlacementState,
    group: Group,
  ): Promise<ReadonlyMap<LoadBalancerId, BalancerView>> {
    const spec = group.placements.find((one) => one.colo === colo.id);
    const wanted = new Set(spec?.attachments.map((one) => one.loadBalancer));
    for (const row of state.servers.values())
      for (const one of row.memberships) wanted.add(one.loadBalancer);
    if (!isBusy(state) && state.servers.size === 0) return new Map();
    const views = await Promise.all(
      [...wanted].map(async (id): Promise<[LoadBalancerId, BalancerView]> => {
        return [id, balancerViewOf(await colo.members.look(id, colo.setup.pollMs))];
      }),
    );
    return new Map(views);
  }

  /** What the listing lacks is asked for one by one, before anything is concluded (B4.3). */
  async function lookUp(
    colo: Colo,
    key: PlacementKey,
    cloudIds: readonly CloudServerId[],
  ): Promise<ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">> {
    const found = new Map<CloudServerId, CloudServer | "gone" | "unknown">();
    const left = cloudIds.slice(0, lookUpsMax);
    // One end for them all: while they are asked for, the placement's other work waits.
    const endMs = clock.monotonicMs() + lookDeadlineMs;
    const worker = async () => {
      for (let id = left.shift(); id !== undefined; id = left.shift()) {
        const deadlineMs = Math.min(lookUpDeadlineMs, endMs - clock.monotonicMs());
        if (deadlineMs <= 0) return;
        const ref = { account: key.account, id };
        try {
          const server = await colo.outside.getServer(ref, { deadlineMs });
          found.set(id, server ?? "gone");
        } catch (error) {
          found.set(id, "unknown");
          if (outsideFaultOf(error).kind === "throttled") left.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: lookUpsAtOnce }, worker));
    // What there was no time for is unknown, like what was not answered: it keeps nothing waiting.
    for (const id of cloudIds) if (!found.has(id)) found.set(id, "unknown");
    return found;
  }

  function doubtIn(key: PlacementKey, begun: ColoDoubt | undefined): Pick<Observation, "doubt"> {
    const now = doubts.of(key);
    return now ? { doubt: { why: now.why, isFresh: now === begun } } : {};
  }

  function observation(
    colo: Colo,
    state: PlacementState & { readonly doc: NonNullable<PlacementState["doc"]> },
    group: Group,
    views: Views,
  ): Observation {
    const stopped = new Map(
      operationClasses.flatMap((operation) => {
        const refusal = colo.gate.refusal(operation, state.key);
        return refusal ? [[operation, refusal] as [OperationClass, typeof refusal]] : [];
      }),
    );
    return {
      nowMs: clock.nowMs(),
      installation: context.installation,
      group,
      spec: group.placements.find((one) => one.colo === colo.id),
      doc: state.doc,
      rows: [...state.servers.values()],
      orphans: state.orphans,
      ...doubtIn(state.key, views.begun),
      ...views.seen,
      attemptId: context.attemptId,
      underWay: actors.underWay(state.key),
      stopped,
      elsewhere: colo.suspicions.elsewhere(state.key),
    };
  }

  /** Plans on the newest state and writes down what the plan needs on record before it acts. */
  function planAndCommit(
    colo: Colo,
    actor: PlacementActor,
    group: Group,
    views: Views,
  ): Promise<Planned | undefined> {
    const capabilities = colo.outside.cloud;
    const limits: PlanLimits = {
      listingLagMs: capabilities.listingLagMs,
      pollMs: colo.setup.pollMs,
      checksHealth: colo.outside.loadBalancer?.checksHealth ?? false,
      createsMax: Math.min(createsPerTurnMax, colo.queue.free()),
      createsWait: colo.admissions.cloud.busy(),
    };
    return actor.change((state) => {
      const { doc } = state;
      if (!doc) return { change: {}, reply: undefined };
      const seen = observation(colo, { ...state, doc }, group, views);
      const plan = planPlacement(seen, limits);
      checkPlan(seen, plan);
      const traced = tracePlan(events, { ...state, doc }, plan);
      const intended = intend(group, capabilities.createDeadlineMs, traced.createdBy);
      return {
        change: {
          ...withNewest(doc, traced.doc, intended),
          servers: [...traced.rows, ...intended],
          orphans: plan.orphans,
          orphansGone: plan.orphansGone,
          events: [...traced.events, ...intended.map((row) => intendedEvent(row, plan))],
        },
        reply: { plan, intended, revision: isEmptyPlan(plan, doc) ? state.revision : undefined },
      };
    });
  }

  function intend(
    group: Group,
    createDeadlineMs: number,
    createdBy: readonly (EventId | undefined)[],
  ): ServerRow[] {
    const nowMs = clock.nowMs();
    return createdBy.map((by) => ({
      id: ids.next() as ServerId,
      state: "intended",
      sinceMs: nowMs,
      createdAtMs: nowMs,
      launchRevision: group.launchRevision,
      attempt: {
        id: context.attemptId,
        callDeadlineMs: nowMs + callWaitMs + createDeadlineMs,
      },
      memberships: [],
      protected: false,
      ...(by === undefined ? {} : { createdBy: by }),
    }));
  }

  function intendedEvent(row: ServerRow, plan: Plan): EventDraft {
    return events.ofRow("server.intended", row, {
      causes: plan.createCause ? [plan.createCause] : [],
    });
  }

  function waitForSlots(colo: Colo, key: PlacementKey): void {
    const wake = () => context.wake(key);
    colo.queue.whenFree({ key: placementText(key), account: key.account, wake });
  }

  return {
    async converge(actor, group) {
      const colo = context.colos.get(actor.key.colo)!;
      const begun = doubts.of(actor.key);
      const state = await actor.state(signal);
      const [listed, balancers] = await Promise.all([
        observeCloud(colo, state),
        observeBalancers(colo, state, group),
      ]);
      // What is proven against a fresh listing is the ledger as it stood after it (B9.5).
      if (begun) {
        actor.distrust();
        await actor.state(signal);
      }
      let cloud = listed;
      let done = await planAndCommit(colo, actor, group, { seen: { cloud, balancers }, begun });
      if (done && done.plan.lookUps.length > 0 && cloud.kind === "listed") {
        const lookedUp = await lookUp(colo, actor.key, done.plan.lookUps);
        cloud = { ...cloud, lookedUp };
        done = await planAndCommit(colo, actor, group, { seen: { cloud, balancers }, begun });
      }
      if (!done) return { wakeAtMs: undefined, revision: state.revision };
      const { plan, intended, revision } = done;
      colo.suspicions.note(actor.key, plan.suspicion);
      if (plan.agrees && begun) doubts.settle(actor.key, begun);
      const isUrgent = isAwaited(plan.doc, clock.nowMs());
      for (const row of intended) actors.create(actor.key, row.id, isUrgent);
      if (plan.isShort) waitForSlots(colo, actor.key);
      for (const step of plan.steps) actors.act(actor.key, step);
      if (plan.withdraw.length > 0) await actors.withdraw(actor.key, plan.withdraw);
      const again = plan.lookUps.length > 0 ? clock.nowMs() + colo.setup.pollMs : plan.wakeAtMs;
      return { wakeAtMs: again, revision };
    },
  };
}

interface Planned {
  readonly plan: Plan;
  readonly intended: readonly ServerRow[];
  readonly revision: number | undefined;
}

function pinnedTo(project: string | undefined): { readonly project?: string } {
  return project === undefined ? {} : { project };
}

function isEmptyPlan(plan: Plan, before: PlacementDoc): boolean {
  return plan.doc === before && isStill(plan);
}

function isStill(plan: Plan): boolean {
  const { rows, creates, events, orphans, orphansGone } = plan;
  return rows.length + creates + events.length + orphans.length + orphansGone.length === 0;
}

/** The document with the greatest id that was ever committed here (B9.5). */
function withNewest(
  before: PlacementDoc,
  after: PlacementDoc,
  intended: readonly ServerRow[],
): Pick<PlacementChange, "doc"> {
  const newest = intended.map(({ id }) => id).reduce((a, b) => (a > b ? a : b), "" as ServerId);
  if (newest <= (after.newestServer ?? "")) return after === before ? {} : { doc: after };
  return { doc: { ...after, newestServer: newest } };
}

/** What was seen of the outside, and the doubt that stood when the looking began. */
interface Views {
  readonly seen: Pick<Observation, "cloud" | "balancers">;
  readonly begun: ColoDoubt | undefined;
}

/** Look-ups of one turn; the rest waits for the next. */
const lookUpsMax = 200;
const lookUpsAtOnce = 8;
/** One that hangs must not keep the others from being asked for. */
const lookUpDeadlineMs = 10_000;

function isBusy(state: PlacementState): boolean {
  const counts = countRows([...state.servers.values()]);
  return counts.pending > 0 || counts.leaving > 0 || counts.inService !== state.doc?.target;
}

/** A person asked for it a short while ago (B9.4). */
function isAwaited({ lastDecision, targetChangedAtMs }: PlacementDoc, nowMs: number): boolean {
  return lastDecision?.source === "manual" && nowMs - targetChangedAtMs < awaitedMs;
}

const awaitedMs = 3_600_000;
