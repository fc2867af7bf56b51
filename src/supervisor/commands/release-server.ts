import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type { ServerRow } from "../../core/model/server.js";
import { isCounted, mayMove, move } from "../../core/plan/lifecycle.js";
import { afterLoss } from "../../core/plan/vacancies.js";
import type { Context } from "../context.js";
import { replacedBy } from "../events/lineage.js";
import type { Decided } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";
import { loweredTarget } from "./lowered-target.js";

/**
 * The server on its way out of our hands: no row of it can ever be deleted again (B8.1). Releasing
 * it twice lowers the target once (B8.2).
 *
 * @throws Fault `OVERLOADED` while the cloud has yet to say whether there is such a server.
 */
export function released(
  context: Context,
  { doc }: PlacementState,
  row: ServerRow,
  asked: { readonly replace: boolean; readonly principal: string },
): Decided<ServerRow> {
  if (row.state === "releasing") return { change: {}, reply: row };
  if (!mayMove(row.state, "release"))
    throw new Fault("OVERLOADED", {
      say: "the cloud has not yet answered whether this server exists: ask again in a moment",
      retryAfterMs: 5_000,
    });
  const { principal, replace } = asked;
  const nowMs = context.clock.nowMs();
  const leaving = cause("B8.1", "REQUESTED", { principal, replace });
  const target = doc && !replace && isCounted(row) ? loweredTarget(doc, nowMs) : doc?.target;
  const lowered = doc && target !== undefined && target !== doc.target;
  const facts = {
    ...(row.cloudId === undefined ? {} : { cloudId: row.cloudId }),
    ...(lowered ? { oldTarget: doc.target, target } : {}),
  };
  const causes = [leaving];
  const subject = { server: row.id, causes, principal, facts };
  const event = context.events.make("server.releasing", subject);
  const { removedBy: _before, ...rest } = row;
  const next = move({ ...rest, removedBy: event.id }, "release", nowMs, { leaving });
  const moved = { targetChangedAtMs: nowMs, movedBy: event.id };
  const kept =
    doc && isCounted(row) ? (replace ? replacedBy(doc, row, event.id) : afterLoss(doc, row)) : doc;
  return {
    change: {
      servers: [next],
      ...(lowered ? { doc: { ...doc, ...moved, target } } : kept ? { doc: kept } : {}),
      events: [event],
    },
    reply: next,
  };
}
