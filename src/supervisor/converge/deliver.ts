import { Fault } from "../../core/errors/fault.js";
import type { EventId, PlacementKey } from "../../core/model/ids.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import { settleLimits } from "../../core/policy/limits.js";
import type { Context } from "../context.js";
import { ensurePlacements, liveGroup } from "../placements/ensure.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import type { Delivery, PlacementChange, PlacementState } from "../placements/placement-state.js";

/**
 * Targets decided here go to the other placements as idempotent commands (B11.2). What a colo does
 * not take stands until it does, or until a newer decision replaces it; it keeps no other waiting.
 *
 * @throws what the last colo failed with that did not take its target.
 */
export async function deliver(context: Context, actor: PlacementActor): Promise<undefined> {
  const { signal, node, elsewhere } = context;
  const { deliveries, key } = await actor.state(signal);
  const principal = `muster:${node}`;
  const failures: unknown[] = [];
  for (const delivery of deliveries.values()) {
    const colo = delivery.colo as PlacementKey["colo"];
    const other = { ...key, colo };
    try {
      if (context.colos.has(colo)) await takeTarget(context, other, delivery);
      else if (elsewhere?.colos.has(colo)) {
        const request = { key: other, delivery };
        await elsewhere.ask(colo, "placements.target", request, { principal, signal });
      } else continue;
    } catch (error) {
      failures.push(error);
      continue;
    }
    await actor.change((state) => {
      const still = state.deliveries.get(colo)?.decisionId === delivery.decisionId;
      return { change: still ? { deliveriesGone: [colo] } : {}, reply: undefined };
    });
  }
  if (failures.length > 0) throw failures.at(-1);
}

/**
 * Takes a target that was decided elsewhere; on record when this returns.
 *
 * @throws Fault `GROUP_NOT_FOUND`, `COLO_NOT_FOUND`
 */
export async function takeTarget(
  context: Context,
  key: PlacementKey,
  delivery: Delivery,
): Promise<void> {
  if (!context.colos.has(key.colo))
    throw new Fault("COLO_NOT_FOUND", { say: `colo ${key.colo} is not served here` });
  const actor = context.placements.open(key);
  if (!(await actor.state(context.signal)).doc) {
    // A group so young that nothing of it was made here yet.
    const { group } = await liveGroup(context, key, context.signal);
    await ensurePlacements(context, group, context.signal);
  }
  await actor.change((state) => ({
    change: take(context, state, delivery),
    reply: undefined,
  }));
  context.wake(key);
}

/** A target decided elsewhere, unless a newer one was taken already. */
function take(context: Context, state: PlacementState, delivery: Delivery): PlacementChange {
  const { doc } = state;
  if (!doc || doc.deleting) return {};
  if (doc.lastDecision && doc.lastDecision.id >= delivery.decisionId) return {};
  const { decisionId, eventId, forced, source } = delivery;
  const nowMs = context.clock.nowMs();
  const parent = eventId as EventId;
  const told: PlacementDoc = {
    ...doc,
    target: delivery.target,
    lastDecision: { id: decisionId, eventId: parent, ...(source ? { source } : {}) },
    ...(forced ? { forced } : {}),
  };
  // The limits may have moved since it was decided: today's hold (B11.3).
  const { target, causes } = settleLimits(told, nowMs);
  const facts = { target, oldTarget: doc.target };
  if (target === doc.target) return { doc: { ...told, target } };
  const event = context.events.make("target.changed", { facts, causes, parent });
  return {
    doc: { ...told, target, targetChangedAtMs: nowMs, movedBy: parent },
    events: [event],
  };
}
