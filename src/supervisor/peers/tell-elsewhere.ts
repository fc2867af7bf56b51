import type { Group } from "../../core/model/group.js";
import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import { placementsElsewhere } from "../placements/ensure.js";
import { askedHint } from "../placements/hints.js";

/**
 * Has the group's other colos take its newest configuration. Those that cannot be reached find a
 * hint that this is due once they can.
 */
export async function tellElsewhere(context: Context, group: Group, caller: Caller): Promise<void> {
  const others = placementsElsewhere(context, group);
  if (others.length === 0) return;
  await context.store.putHints(others.map(askedHint), { signal: caller.signal });
  const key = { account: group.account, group: group.id };
  const told = others.map(({ colo }) =>
    context.elsewhere!.ask(colo, "groups.heed", key, caller).catch((error: unknown) => {
      context.log.warn({ ...key, colo, error: String(error) }, "not told of an edit yet");
    }),
  );
  await Promise.all(told);
}
