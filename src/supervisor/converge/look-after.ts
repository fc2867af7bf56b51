import type { Group } from "../../core/model/group.js";
import type { EventId, PlacementKey, PolicyId } from "../../core/model/ids.js";
import type { Policy } from "../../core/model/policy.js";
import type { ScaleEvent } from "../../core/model/scale-event.js";
import type { DuePolicy } from "../../core/policy/circle-back.js";
import { circleBack } from "../../core/policy/circle-back.js";
import { settleLimits } from "../../core/policy/limits.js";
import { unansweredOf } from "../../core/policy/unanswered.js";
import type { Context } from "../context.js";
import { follows } from "../events/event-maker.js";
import type { GroupEntry } from "../group-book.js";
import { ensurePlacements, isCurrent, leadOf } from "../placements/ensure.js";
import { finishDelete } from "../placements/finish-delete.js";
import type { Onlooker } from "../placements/named-groups.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { PlacementChange, PlacementState } from "../placements/placement-state.js";
import { decideOn, factsOf, otherPlacements } from "../scaling.js";
import type { Schedules } from "../schedules/schedules.js";
import { carryShares } from "./carry.js";
import { deliver } from "./deliver.js";
import { handOver, leadElsewhere } from "./hand-over.js";
import { awaitRebuildTurn } from "./rebuild-turn.js";
import type { Converger } from "./turn.js";

/** One whole turn of a placement: configuration, what time brings, converging, and the end. */
export interface LookAfter {
  /** Resolves to when to look again at the latest; undefined: only when something happens. */
  turn(key: PlacementKey): Promise<number | undefined>;
}

export function createLookAfter(
  context: Context,
  converger: Converger,
  schedules: Pick<Schedules, "look">,
  onlookers: readonly Onlooker[],
): LookAfter {
  const { clock, signal } = context;

  /** Alerts that still stand act again, after their hold or to repeat (B3.2, B3.3). */
  async function circle(
    actor: PlacementActor,
    group: Group,
    policies: readonly Policy[],
  ): Promise<number | undefined> {
    if (leadOf(context, group).colo !== actor.key.colo) return undefined;
    const led = await actor.state(signal);
    if (led.alerts.size === 0) return undefined;
    const lead = leadElsewhere(context, group);
    if (lead) {
      await handOver(context, actor, led, lead);
      return undefined;
    }
    const others = await otherPlacements(context, group, signal);
    const look = () =>
      actor.change((state) => {
        const { doc } = state;
        if (!doc) return { change: {}, reply: undefined };
        const nowMs = clock.nowMs();
        const facts = factsOf(group, { ...state, doc }, others);
        const due = circleBack({
          nowMs,
          group,
          lead: doc,
          policies,
          alertMarks: [...state.alerts.values()],
          total: facts.reduce((sum, one) => sum + one.target, 0),
          unanswered:
            unansweredOf(state, group, nowMs) +
            others.reduce((sum, one) => sum + one.unanswered, 0),
        });
        const moved =
          due.marks.groupMarks !== doc.groupMarks || due.marks.policyMarks !== doc.policyMarks;
        const gone = due.alertMarks.deletes.flatMap(
          (one) => state.alerts.get(`${one.policy}/${one.key}`) ?? [],
        );
        const change: PlacementChange = {
          ...(moved ? { doc: { ...doc, ...due.marks } } : {}),
          alerts: due.alertMarks.puts,
          alertsGone: gone,
        };
        return { change, reply: due };
      });
    // Each is asked on what the one before has left: they share demand, guards and the cooldown.
    const asked = new Set<PolicyId>();
    for (;;) {
      const found = await look();
      const due = found?.due.find(({ policy }) => !asked.has(policy));
      if (!due) return asked.size > 0 ? clock.nowMs() : found?.nextAtMs;
      asked.add(due.policy);
      const parent = due.enteredBy === undefined ? {} : { parent: due.enteredBy as EventId };
      const about = { event: circleEvent(due), group, policies, others, ...parent };
      await actor.change((state) => decideOn(context, state, about));
    }
  }

  function circleEvent({ ask, why }: DuePolicy): ScaleEvent {
    const id = context.ids.next() as EventId;
    return { id, atMs: clock.nowMs(), source: "circleBack", ask, principal: `muster:${why}` };
  }

  /** Forced limits that ran out no longer hold the target beyond the group's own (B2.7). */
  async function expireForce(actor: PlacementActor): Promise<number | undefined> {
    const { doc } = await actor.state(signal);
    if (!doc?.forced) return undefined;
    if (clock.nowMs() < doc.forced.expiresAtMs) return doc.forced.expiresAtMs;
    await actor.change((state) => {
      if (!state.doc?.forced) return { change: {}, reply: undefined };
      const nowMs = clock.nowMs();
      const settled = settleLimits(state.doc, nowMs);
      if (settled.forced) return { change: {}, reply: undefined };
      const { forced, ...rest } = state.doc;
      const moved = settled.target !== rest.target;
      const facts = { target: settled.target, oldTarget: rest.target };
      const { causes } = settled;
      const event = context.events.make("target.changed", { facts, causes, ...follows(forced.by) });
      const changedAt = moved ? { targetChangedAtMs: nowMs, movedBy: event.id } : {};
      return {
        change: {
          doc: { ...rest, target: settled.target, ...changedAt },
          events: moved ? [event] : [],
        },
        reply: undefined,
      };
    });
    return undefined;
  }

  /** What other placements have to do with must not keep this one from being looked after. */
  async function apart(
    key: PlacementKey,
    work: () => Promise<number | undefined>,
  ): Promise<number | undefined> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) throw error;
      context.log.warn({ ...key, error: String(error) }, "another placement could not be reached");
      return clock.nowMs() + othersRetryMs;
    }
  }

  /** The group as its placement knows it at least: another node may have edited it. */
  async function entryFor({ key, doc }: PlacementState): Promise<GroupEntry> {
    const entry = await context.groups.get(key, signal);
    const behind = doc !== undefined && doc.groupGeneration > (entry.group?.generation ?? 0);
    return behind ? context.groups.refresh(key, signal) : entry;
  }

  return {
    async turn(key) {
      const actor = context.placements.open(key);
      const state = await actor.state(signal);
      const entry = await entryFor(state);
      const { group } = entry;
      for (const one of onlookers) one.look(key, entry);
      if (group && (!isCurrent(state.doc, group) || state.doc?.raiseWaits))
        await ensurePlacements(context, group, signal);
      if (!group) {
        const orderedMs = converger.carryOut(state);
        if (orderedMs !== undefined) return orderedMs;
        if (state.servers.size === 0 && !state.doc) await actor.markIdle(state.revision);
        return undefined;
      }
      const policies = [...entry.policies.values()];
      const wakes = [
        await expireForce(actor),
        await apart(key, () => schedules.look(actor, entry)),
        await apart(key, () => circle(actor, group, policies)),
        await apart(key, () => deliver(context, actor)),
        await apart(key, () => carryShares(context, actor, group)),
        await apart(key, () => awaitRebuildTurn(context, actor, group)),
        (await actor.state(signal)).doc?.raiseWaits && clock.nowMs() + othersRetryMs,
      ];
      const { revision } = await actor.state(signal);
      const quiet = await converger.converge(actor, group);
      wakes.push(quiet.wakeAtMs);
      if (await finishDelete(context, actor, group)) return undefined;
      const due = wakes.filter((one) => one !== undefined);
      if (due.length > 0) return Math.min(...due);
      if (quiet.revision === revision) await actor.markIdle(revision);
      else return clock.nowMs(); // Something moved meanwhile: look once more before resting.
      return undefined;
    },
  };
}

const othersRetryMs = 2_000;
