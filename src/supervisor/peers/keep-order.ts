import { overtaken } from "../../core/model/pause.js";
import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import { leadOf, liveGroup } from "../placements/ensure.js";
import { nextOrderId } from "../placements/pause-order.js";
import { coloOfOrder, orderName } from "../placements/placement-state.js";
import type { KeepOrder } from "./commands.js";

/** On record when this returns: those that were not told hear of it once they can be reached. */
export async function keepOrder(
  context: Context,
  { key, word, untold, told }: KeepOrder,
  { signal }: Caller,
): Promise<void> {
  const { group } = await liveGroup(context, key, signal);
  const actor = context.placements.open(leadOf(context, group));
  await actor.change((state) => {
    if ("word" in word) {
      // Who has yet to hear of a rebuild waits at no checkpoint of it, and must still hear of it.
      const rebuildOrders = untold
        .filter((colo) => !(word.word.kind === "continue" && state.rebuildOrders.has(colo)))
        .map((colo) => [colo, word] as const);
      const rebuildOrdersGone = told.filter((colo) => state.rebuildOrders.has(colo));
      return { change: { rebuildOrders, rebuildOrdersGone }, reply: undefined };
    }
    const order = { id: nextOrderId(context, state), ...word };
    const orders = untold.map((colo) => [orderName(colo, order), order] as const);
    const ordersGone = [...untold, ...told].flatMap((colo) => {
      const kept = [...state.orders].filter(([name]) => coloOfOrder(name) === colo);
      const inTime = kept.map(([, one]) => one).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      return overtaken([...inTime, order]).map((one) => orderName(colo, one));
    });
    return { change: { orders, ordersGone }, reply: undefined };
  });
  context.wakeNow(actor.key);
}
