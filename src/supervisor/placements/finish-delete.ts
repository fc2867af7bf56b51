import type { Group } from "../../core/model/group.js";
import { move } from "../../core/plan/lifecycle.js";
import type { Context } from "../context.js";
import { follows } from "../events/event-maker.js";
import { movedBy } from "../events/lineage.js";
import { allPlacementsOf } from "./ensure.js";
import { groupHint, orphanHint, placementHint } from "./hints.js";
import type { PlacementActor } from "./placement-actor.js";
import { isEmptied, standingOf } from "./standing.js";

/**
 * Ends a placement that drained, and the group with its last one (B8.4). Every step may be
 * repeated: a crash between two of them is gone on from by the next turn.
 *
 * @returns whether the placement is gone.
 */
export async function finishDelete(
  context: Context,
  actor: PlacementActor,
  group: Group,
): Promise<boolean> {
  const { signal, store, clock } = context;
  const state = await actor.state(signal);
  const leaves = group.deleting || !group.placements.some((one) => one.colo === actor.key.colo);
  if (!leaves || !isEmptied(context, state)) return false;
  if (state.doc || state.servers.size > 0) {
    await actor.change((now) => {
      // A group that was made anew under this name meanwhile is another's business.
      const another = now.doc !== undefined && now.doc.groupUid !== group.uid;
      const nowMs = clock.nowMs();
      if (another || !isEmptied(context, now)) return { change: {}, reply: undefined };
      const servers = [...now.servers.values()].map((row) => move(row, "end", nowMs));
      const facts = { colo: actor.key.colo };
      const event = context.events.make("group.deleted", { facts, ...follows(movedBy(now.doc)) });
      const alertsGone = [...now.alerts.values()];
      const deliveriesGone = [...now.deliveries.keys()];
      const ordersGone = [...now.orders.keys()];
      const rebuildOrdersGone = [...now.rebuildOrders.keys()];
      const schedulesGone = [...now.schedules.keys()];
      const orders = { ordersGone, rebuildOrdersGone };
      const rowsGone = { alertsGone, deliveriesGone, ...orders, schedulesGone };
      return {
        change: { doc: "remove", servers, ...rowsGone, events: [event] },
        reply: undefined,
      };
    });
  }
  if (group.deleting && (await allGone(context, group))) {
    await context.groups.change(
      keyOf(group),
      (entry) => {
        if (entry.group?.uid !== group.uid) return { change: {}, reply: undefined };
        const policiesGone = [...entry.policies.keys()];
        const schedulesGone = [...entry.schedules.keys()];
        const change = { group: "remove", policiesGone, schedulesGone } as const;
        return { change, reply: undefined };
      },
      signal,
    );
    await store.deleteHints([groupHint(keyOf(group))], { signal });
  }
  // What is reported under its name has to be found again without it.
  if (state.orphans.size > 0) await store.putHints([orphanHint(actor.key)], { signal });
  await store.deleteHints([placementHint(actor.key)], { signal });
  const { group: anew } = await context.groups.refresh(keyOf(group), signal);
  if (anew && anew.uid !== group.uid)
    await store.putHints([groupHint(keyOf(group)), placementHint(actor.key)], { signal });
  else await actor.markIdle((await actor.state(signal)).revision);
  return true;
}

async function allGone(context: Context, group: Group): Promise<boolean> {
  const { node, signal } = context;
  const standings = await Promise.all(
    allPlacementsOf(group).map((key) =>
      standingOf(context, key, { principal: `muster:${node}`, signal }),
    ),
  );
  return standings.every(({ isGone }) => isGone);
}

function keyOf(group: Group) {
  return { account: group.account, group: group.id };
}
