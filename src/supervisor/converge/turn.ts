import type { EventDraft } from "../../core/model/event.js";
import type { Group } from "../../core/model/group.js";
import {
  type EventId,
  type PlacementKey,
  placementText,
  type ServerId,
} from "../../core/model/ids.js";
import { type Observation, stepKey } from "../../core/model/observation.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { Plan } from "../../core/model/plan.js";
import type { ServerRow } from "../../core/model/server.js";
import { checkPlan } from "../../core/plan/check-plan.js";
import { orderLookMs, orphanDeletes } from "../../core/plan/orphans.js";
import { planPlacement } from "../../core/plan/plan-placement.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { tracePlan } from "../events/lineage.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { PlacementBook } from "../placements/placement-book.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import { type Actors, callWaitMs } from "./act.js";
import type { ColoDoubt, Doubts } from "./doubts.js";
import { eyesOf, lookUp, observationOf, observe, type Views } from "./observe.js";

/** Observe, plan, commit, act: one placement's servers come nearer to its target. */
export interface Converger {
  converge(actor: PlacementActor, group: Group): Promise<Converged>;
  /**
   * Of a placement without a group only persons' orders are left (B9.6).
   *
   * @returns when to look again; undefined: there are none.
   */
  carryOut(state: PlacementState): number | undefined;
}

export interface Converged {
  /** When to look again; undefined when nothing is on its way. */
  readonly wakeAtMs: number | undefined;
  /** The revision that was planned on and needed no change; undefined when it did. */
  readonly revision: number | undefined;
}

export function createConverger(context: Context, actors: Actors, doubts: Doubts): Converger {
  const { clock, ids, events, signal } = context;

  function doubtIn(key: PlacementKey, begun: ColoDoubt | undefined): Pick<Observation, "doubt"> {
    const now = doubts.of(key);
    return now ? { doubt: { why: now.why, isFresh: now === begun } } : {};
  }

  /** Plans on the newest state and writes down what the plan needs on record before it acts. */
  function planAndCommit(
    colo: Colo,
    actor: PlacementActor,
    group: Group,
    views: Looked,
  ): Promise<Planned | undefined> {
    const eyes = eyesOf(colo);
    const limits = eyes.limits();
    return actor.change((state) => {
      const { doc } = state;
      if (!doc) return { change: {}, reply: undefined };
      const { attemptId, installation } = context;
      const underWay = actors.underWay(state.key);
      const refused = actors.refused(state.key);
      const seen = observationOf(eyes, { ...state, doc }, group, views.seen, {
        ...{ nowMs: clock.nowMs(), attemptId, installation, underWay, refused },
        sinceMs: doubts.sinceMs(state.key.colo),
        ...doubtIn(state.key, views.begun),
      });
      const plan = planPlacement(seen, limits);
      checkPlan(seen, plan);
      const traced = tracePlan(events, { ...state, doc }, plan);
      const intended = intend(colo.outside.cloud.createDeadlineMs, plan, traced);
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
    createDeadlineMs: number,
    { choices, replaces }: Plan,
    { createdBy }: { readonly createdBy: readonly (EventId | undefined)[] },
  ): ServerRow[] {
    const nowMs = clock.nowMs();
    return choices.map(({ revision, choice }, index) => ({
      id: ids.next() as ServerId,
      state: "intended",
      sinceMs: nowMs,
      createdAtMs: nowMs,
      launchRevision: revision,
      choice,
      attempt: {
        id: context.attemptId,
        callDeadlineMs: nowMs + callWaitMs + createDeadlineMs,
      },
      memberships: [],
      protected: false,
      ...(index < replaces ? { replaces: true } : {}),
      ...(createdBy[index] === undefined ? {} : { createdBy: createdBy[index] }),
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
    carryOut({ key, orphans }) {
      const steps = orphanDeletes(orphans);
      const underWay = actors.underWay(key);
      for (const step of steps) if (!underWay.has(stepKey(step))) actors.act(key, step);
      return steps.length === 0 ? undefined : clock.nowMs() + orderLookMs;
    },
    async converge(actor, group) {
      const colo = context.colos.get(actor.key.colo)!;
      const begun = doubts.of(actor.key);
      const state = await actor.state(signal);
      const eyes = eyesOf(colo);
      const seen = await observe(eyes, state, group);
      // What is proven against a fresh listing is the ledger as it stood after it (B9.5).
      if (begun) {
        actor.distrust();
        await actor.state(signal);
      }
      let done = await planAndCommit(colo, actor, group, { seen, begun });
      if (done && done.plan.lookUps.length > 0 && seen.cloud.kind === "listed") {
        const lookedUp = await lookUp({ eyes, clock }, actor.key, done.plan.lookUps);
        const cloud = { ...seen.cloud, lookedUp };
        done = await planAndCommit(colo, actor, group, { seen: { ...seen, cloud }, begun });
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
interface Looked {
  readonly seen: Views;
  readonly begun: ColoDoubt | undefined;
}

/** A person asked for it a short while ago (B9.4). */
function isAwaited({ lastDecision, targetChangedAtMs }: PlacementDoc, nowMs: number): boolean {
  return lastDecision?.source === "manual" && nowMs - targetChangedAtMs < awaitedMs;
}

/** Whether it is so of a placement, as far as this node knows it. */
export function awaitedIn(
  { peek }: Pick<PlacementBook, "peek">,
  clock: Pick<Clock, "nowMs">,
): (key: PlacementKey) => boolean {
  return (key) => {
    const doc = peek(key)?.doc;
    return doc !== undefined && isAwaited(doc, clock.nowMs());
  };
}

const awaitedMs = 3_600_000;
