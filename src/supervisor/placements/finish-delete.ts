import type { Group } from "../../core/model/group.js";
import type { Context } from "../context.js";
import { placementsOf } from "./ensure.js";
import { groupHint, placementHint } from "./hints.js";
import type { PlacementActor } from "./placement-actor.js";
import type { PlacementState } from "./placement-state.js";

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
  const { signal, store } = context;
  const state = await actor.state(signal);
  const leaves = group.deleting || !group.placements.some((one) => one.colo === actor.key.colo);
  if (!leaves || !isEmpty(state)) return false;
  if (state.doc) {
    await actor.change((now) => {
      if (!now.doc || !isEmpty(now)) return { change: {}, reply: undefined };
      const event = context.events.make("group.deleted", { facts: { colo: actor.key.colo } });
      const alertsGone = [...now.alerts.values()];
      const deliveriesGone = [...now.deliveries.keys()];
      return {
        change: { doc: "remove", alertsGone, deliveriesGone, events: [event] },
        reply: undefined,
      };
    });
  }
  await store.deleteHints([placementHint(actor.key)], { signal });
  if (group.deleting && (await allGone(context, group))) {
    await context.groups.change(
      keyOf(group),
      (entry) => {
        if (entry.group?.uid !== group.uid) return { change: {}, reply: undefined };
        const policiesGone = [...entry.policies.keys()];
        return { change: { group: "remove", policiesGone }, reply: undefined };
      },
      signal,
    );
    await store.deleteHints([groupHint(keyOf(group))], { signal });
  }
  await actor.markIdle();
  return true;
}

/** Nothing of it is left in the cloud, nor may be; abandoned intentions were looked up in vain. */
export function isEmpty(state: PlacementState): boolean {
  return [...state.servers.values()].every((row) => row.state === "abandoned");
}

async function allGone(context: Context, group: Group): Promise<boolean> {
  const states = await Promise.all(
    placementsOf(context, group).map((key) => context.placements.open(key).state(context.signal)),
  );
  return states.every((state) => state.doc === undefined);
}

function keyOf(group: Group) {
  return { account: group.account, group: group.id };
}
