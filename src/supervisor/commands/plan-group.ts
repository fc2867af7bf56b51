import { actionsOf } from "../../core/explain/actions.js";
import { waitsOf } from "../../core/explain/waits.js";
import { serversWanted } from "../../core/model/carried.js";
import type { Group } from "../../core/model/group.js";
import type { GroupPlan, PlacementPlan } from "../../core/model/group-plan.js";
import type { EventId, GroupKey, PlacementKey } from "../../core/model/ids.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { ScaleEvent } from "../../core/model/scale-event.js";
import { checkPlan } from "../../core/plan/check-plan.js";
import { countRows, planPlacement } from "../../core/plan/plan-placement.js";
import { decide } from "../../core/policy/decide.js";
import type { Decision } from "../../core/policy/decision.js";
import { unansweredOf } from "../../core/policy/unanswered.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Caller, GroupUseCases } from "../api.js";
import type { Doubts } from "../converge/doubts.js";
import { type Eyes, lookUp, observationOf, observe, type Views } from "../converge/observe.js";
import { groupIn } from "../placements/ensure.js";
import type { PlacementState } from "../placements/placement-state.js";
import { factsOf, type OtherPlacement } from "../scaling.js";

/**
 * All that a dry run has: eyes, states to read, and time. No actor, no queue, no driver: whatever
 * its code did, it could commit nothing and change nothing outside (decision 0010).
 */
export interface PlanGroupDeps {
  readonly clock: Pick<Clock, "nowMs" | "monotonicMs" | "after">;
  readonly installation: string;
  readonly attemptId: string;
  readonly groupOf: (key: GroupKey, signal: AbortSignal) => Promise<Group | undefined>;
  readonly stateOf: (key: PlacementKey, signal: AbortSignal) => Promise<PlacementState>;
  /** Undefined where the colo is not served here. */
  readonly eyesOf: (key: PlacementKey) => Eyes | undefined;
  readonly underWay: (key: PlacementKey) => ReadonlyMap<string, "queued" | "running">;
  /** Why the ledger is not trusted yet (B9.5); proving it is the turns' business. */
  readonly doubts: Pick<Doubts, "of" | "sinceMs">;
}

/** What is looked at may be so old: who asks again and again shares one look. */
const lookAgeMsMax = 1_000;

/** Plans a group's next turns on a fresh look, with the very code of the turns; does nothing. */
export function createPlanGroup(deps: PlanGroupDeps): GroupUseCases["plan"] {
  return async ({ key, target }, caller): Promise<GroupPlan> => {
    const group = groupIn({ group: await deps.groupOf(key, caller.signal) }, key);
    const parts = await Promise.all(
      group.placements.map(async ({ colo }) => {
        const placement = { ...key, colo };
        const state = await deps.stateOf(placement, caller.signal);
        return { eyes: deps.eyesOf(placement), state };
      }),
    );
    const states = parts.map(({ state }) => state);
    const decision =
      target === undefined ? undefined : whatIf(deps, group, states, { target, caller });
    const placements = await Promise.all(
      parts.map(({ eyes, state }) => {
        const { doc } = state;
        if (!eyes || !doc) return [];
        const asked = decision?.targets?.[state.key.colo] ?? doc.target;
        return planOne(deps, eyes, group, { ...state, doc: { ...doc, target: asked } });
      }),
    );
    const receipt = decision ? { receipt: decision.receipt } : {};
    return { placements: placements.flat(), ...receipt };
  };
}

type Planned = PlacementState & { readonly doc: PlacementDoc };

async function planOne(
  deps: PlanGroupDeps,
  eyes: Eyes,
  group: Group,
  state: Planned,
): Promise<PlacementPlan> {
  const { clock, installation, attemptId } = deps;
  const plan = (views: Views) => {
    const underWay = deps.underWay(state.key);
    const sinceMs = deps.doubts.sinceMs(state.key.colo);
    const standpoint = { nowMs: clock.nowMs(), sinceMs, installation, attemptId, underWay };
    const why = deps.doubts.of(state.key)?.why;
    const doubt = why === undefined ? {} : { doubt: { why, isFresh: false } };
    const seen = observationOf(eyes, state, group, views, { ...standpoint, ...doubt });
    const planned = planPlacement(seen, eyes.limits());
    checkPlan(seen, planned);
    return { seen, planned };
  };
  const views = await observe(eyes, state, group, lookAgeMsMax);
  let made = plan(views);
  const { lookUps } = made.planned;
  if (lookUps.length > 0 && views.cloud.kind === "listed") {
    const lookedUp = await lookUp({ eyes, clock }, state.key, lookUps);
    made = plan({ ...views, cloud: { ...views.cloud, lookedUp } });
  }
  const { seen, planned } = made;
  const { inService, pending, leaving } = countRows([...state.servers.values()]);
  const { wakeAtMs } = planned;
  return {
    colo: state.key.colo,
    target: seen.spec ? serversWanted(seen.doc) : 0,
    ...{ inService, pending, leaving },
    actions: actionsOf(seen, planned),
    waits: waitsOf(planned.doc, seen.nowMs),
    stopped: [...seen.stopped].map(([operation, cause]) => ({ operation, cause })),
    ...(wakeAtMs === undefined ? {} : { nextLookAtMs: wakeAtMs }),
  };
}

/** What setting the target would be answered, by the rules that really answer it. */
function whatIf(
  { clock }: PlanGroupDeps,
  group: Group,
  states: readonly PlacementState[],
  { target, caller }: { readonly target: number; readonly caller: Caller },
): Decision | undefined {
  const nowMs = clock.nowMs();
  const known = states.flatMap((state) => (state.doc ? [{ ...state, doc: state.doc }] : []));
  const [lead, ...rest] = known;
  if (!lead) return undefined;
  const others = rest.map((state): OtherPlacement => {
    return { doc: state.doc, unanswered: unansweredOf(state, group, nowMs) };
  });
  const event: ScaleEvent = {
    id: "plan" as EventId,
    atMs: nowMs,
    source: "manual",
    ask: { kind: "target", target },
    principal: caller.principal,
  };
  return decide(event, {
    nowMs,
    group,
    placements: factsOf(group, lead, others),
    lead: lead.doc,
    policies: [],
    alertMarks: [],
    unanswered:
      unansweredOf(lead, group, nowMs) + others.reduce((sum, one) => sum + one.unanswered, 0),
  });
}
