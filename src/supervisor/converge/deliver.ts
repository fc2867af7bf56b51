import { Fault } from "../../core/errors/fault.js";
import type { ColoId, EventId, PlacementKey } from "../../core/model/ids.js";
import type { PauseOrder } from "../../core/model/pause.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { RebuildOrder } from "../../core/model/rebuild.js";
import { settleLimits } from "../../core/policy/limits.js";
import type { Context } from "../context.js";
import type { Elsewhere } from "../peers/ask-peer.js";
import { ensurePlacements, liveGroup } from "../placements/ensure.js";
import { obeyOrder } from "../placements/pause-order.js";
import type { PlacementActor } from "../placements/placement-actor.js";
import {
  coloOfOrder,
  type Delivery,
  type PlacementChange,
  type PlacementState,
} from "../placements/placement-state.js";
import { obeyRebuild } from "../placements/rebuild-order.js";

/**
 * Targets decided here go to the other placements as idempotent commands, and so does what they
 * have yet to hear of a pause (B11.2, B11.3). What a colo does not take stands until it does, or
 * until something newer replaces it; it keeps no other waiting.
 *
 * @throws what the last colo failed with that did not take what is meant for it.
 */
export async function deliver(context: Context, actor: PlacementActor): Promise<undefined> {
  const { signal, node, elsewhere } = context;
  const caller = { principal: `muster:${node}`, signal };
  const { deliveries, orders, rebuildOrders } = await actor.state(signal);
  const failures: unknown[] = [];

  async function tell(colo: string, told: Told): Promise<void> {
    const key = { ...actor.key, colo: colo as ColoId };
    try {
      if (context.colos.has(key.colo)) await told.here(key);
      else if (elsewhere?.colos.has(key.colo)) await told.there(key, elsewhere);
      else return;
      await actor.change((state) => ({ change: told.done(state), reply: undefined }));
    } catch (error) {
      failures.push(error);
    }
  }

  for (const delivery of deliveries.values())
    await tell(delivery.colo, {
      here: (key) => takeTarget(context, key, delivery),
      there: (key, { ask }) => ask(key.colo, "placements.target", { key, delivery }, caller),
      done({ deliveries: now }) {
        const still = now.get(delivery.colo)?.decisionId === delivery.decisionId;
        return still ? { deliveriesGone: [delivery.colo] } : {};
      },
    });
  const inOrder = [...orders].toSorted(([, a], [, b]) => (a.id < b.id ? -1 : 1));
  for (const [name, order] of inOrder)
    await tell(coloOfOrder(name), {
      here: (key) => takeOrder(context, key, order),
      there: (key, { ask }) => ask(key.colo, "placements.order", { key, order }, caller),
      done: ({ orders: now }) => (now.get(name)?.id === order.id ? { ordersGone: [name] } : {}),
    });
  for (const [colo, order] of rebuildOrders)
    await tell(colo, {
      here: (key) => takeRebuild(context, key, order),
      there: (key, { ask }) => ask(key.colo, "placements.rebuild", { key, order }, caller),
      done: ({ rebuildOrders: now }) =>
        now.get(colo)?.id === order.id ? { rebuildOrdersGone: [colo] } : {},
    });
  if (failures.length > 0) throw failures.at(-1);
}

interface Told {
  readonly here: (key: PlacementKey) => Promise<void>;
  readonly there: (key: PlacementKey, elsewhere: Elsewhere) => Promise<null>;
  readonly done: (state: PlacementState) => PlacementChange;
}

/**
 * Takes what was said of the group's pause while nobody here could be reached; on record when this
 * returns.
 *
 * @throws Fault `COLO_NOT_FOUND`
 */
export async function takeOrder(
  context: Context,
  key: PlacementKey,
  order: PauseOrder,
): Promise<void> {
  const actor = await openMade(context, key);
  await actor.change((state) => ({
    change: obeyOrder(context, state, order),
    reply: undefined,
  }));
  context.wake(key);
}

/**
 * Takes what was said of the group's rebuild while nobody here could be reached; on record when
 * this returns.
 *
 * @throws Fault `GROUP_NOT_FOUND`, `COLO_NOT_FOUND`
 */
export async function takeRebuild(
  context: Context,
  key: PlacementKey,
  order: RebuildOrder,
): Promise<void> {
  const actor = await openMade(context, key);
  const { group } = await liveGroup(context, key, context.signal);
  await actor.change((state) => ({
    change: obeyRebuild(context, state, group, order),
    reply: undefined,
  }));
  context.wake(key);
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
  const actor = await openMade(context, key);
  await actor.change((state) => ({
    change: take(context, state, delivery),
    reply: undefined,
  }));
  context.wake(key);
}

/** A group so young that nothing of it was made here yet is made first. */
async function openMade(context: Context, key: PlacementKey): Promise<PlacementActor> {
  if (!context.colos.has(key.colo))
    throw new Fault("COLO_NOT_FOUND", { say: `colo ${key.colo} is not served here` });
  const actor = context.placements.open(key);
  if ((await actor.state(context.signal)).doc) return actor;
  const { group } = await liveGroup(context, key, context.signal);
  await ensurePlacements(context, group, context.signal);
  return actor;
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
