import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type { PlacementDoc } from "../../core/model/placement.js";
import type { ServerRow } from "../../core/model/server.js";
import { isCounted, move } from "../../core/plan/lifecycle.js";
import { afterLoss } from "../../core/plan/vacancies.js";
import { effectiveLimits } from "../../core/policy/limits.js";
import type { Context } from "../context.js";
import { replacedBy } from "../events/lineage.js";
import type { Decided } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";
import { loweredTarget } from "./lowered-target.js";

interface Asked {
  readonly replace: boolean;
  readonly principal: string;
}

/**
 * The server out of service and kept: it counts for nothing, and the target is lowered for it or
 * another takes its place (B8.1). Saying so twice lowers the target once (B8.2).
 *
 * @throws Fault `SERVER_NOT_AVAILABLE`: it is not in service.
 */
export function stoodBy(
  { clock, events }: Context,
  { doc }: PlacementState,
  row: ServerRow,
  { replace, principal }: Asked,
): Decided<ServerRow> {
  if (row.state === "standingBy") return { change: {}, reply: row };
  if (row.state !== "inService")
    throw new Fault("SERVER_NOT_AVAILABLE", {
      say: "only a server in service can stand by",
      facts: { state: row.state },
    });
  const nowMs = clock.nowMs();
  const target = doc && !replace ? loweredTarget(doc, nowMs) : doc?.target;
  const lowered = doc !== undefined && target !== undefined && target < doc.target;
  const facts = lowered ? { oldTarget: doc.target, target } : {};
  const causes = [cause("B8.1", "STANDING_BY", { server: row.id, principal, replace })];
  const event = events.make("server.standing_by", { server: row.id, causes, principal, facts });
  const { reported: _before, ...rest } = row;
  const standBy = { sinceMs: nowMs, principal, lowered };
  const next = move(rest, "standBy", nowMs, { standBy, drainingSinceMs: nowMs });
  const moved = { targetChangedAtMs: nowMs, movedBy: event.id };
  const kept = doc && (replace ? replacedBy(doc, row, event.id) : afterLoss(doc, row));
  const change = lowered ? { ...doc, ...moved, target } : kept;
  return {
    change: { servers: [next], events: [event], ...(change && { doc: change }) },
    reply: next,
  };
}

/**
 * The server on its way back into service: attached, and waited for until it is healthy, as after
 * a boot. The target rises where it was lowered for it; else one too many is scaled in.
 *
 * @throws Fault `NO_ROOM_TO_RETURN`: the placement has as many servers as it may.
 */
export function recalled(
  { clock, events }: Context,
  { doc, servers }: PlacementState,
  row: ServerRow,
  { principal }: Pick<Asked, "principal">,
): Decided<ServerRow> {
  if (row.state !== "standingBy" || !doc) return { change: {}, reply: row };
  const nowMs = clock.nowMs();
  const { max } = effectiveLimits(doc, nowMs);
  const counted = [...servers.values()].filter(isCounted).length;
  if (doc.deleting || counted >= max) throw noRoom(counted, max);
  const raised = row.standBy?.lowered === true && doc.target < max;
  const target = raised ? doc.target + 1 : doc.target;
  const facts = raised ? { oldTarget: doc.target, target } : {};
  const event = events.make("server.recalled", { server: row.id, principal, facts });
  const { standBy: _stood, drainingSinceMs: _since, ...rest } = row;
  const next = move(rest, "recall", nowMs, guest(doc, raised, nowMs));
  const moved = { target, targetChangedAtMs: nowMs, movedBy: event.id };
  return {
    change: { servers: [next], events: [event], ...(raised && { doc: { ...doc, ...moved } }) },
    reply: next,
  };
}

/** Where it makes a surplus others go in its stead, as with one that is adopted. */
function guest(
  { targetChangedAtMs }: PlacementDoc,
  raised: boolean,
  nowMs: number,
): Pick<ServerRow, "adoptedAtMs"> {
  return raised ? {} : { adoptedAtMs: Math.max(nowMs, targetChangedAtMs) };
}

function noRoom(counted: number, max: number): Fault {
  return new Fault("NO_ROOM_TO_RETURN", {
    say: `the placement has ${counted} servers, and ${max} may be: lower its target, or raise max`,
    facts: { counted: String(counted), max: String(max) },
  });
}
