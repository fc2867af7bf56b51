import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import { leadOf, liveGroup } from "../placements/ensure.js";
import { nextOrderId } from "../placements/pause-order.js";
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
    const order = { id: nextOrderId(context, state.doc), ...word };
    const orders = untold.map((colo) => [colo, order] as const);
    const ordersGone = told.filter((colo) => state.orders.has(colo));
    return { change: { orders, ordersGone }, reply: undefined };
  });
  context.wake(actor.key);
}
