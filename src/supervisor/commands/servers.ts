import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type { GroupKey, ServerId } from "../../core/model/ids.js";
import type { ServerRow } from "../../core/model/server.js";
import { isCounted, isKept, leave, mayMove } from "../../core/plan/lifecycle.js";
import { afterLoss } from "../../core/plan/vacancies.js";
import type { Caller, ServerUseCases, ServerView } from "../api.js";
import type { Context } from "../context.js";
import { replacedBy } from "../events/lineage.js";
import { allPlacementsOf, liveGroup, placementsOf } from "../placements/ensure.js";
import { copySeen, nearState } from "../placements/near-state.js";
import type { Decided, PlacementActor } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";
import type { ReportHealth } from "../server-requests.js";
import { adoptServer } from "./adopt-server.js";
import { loweredTarget } from "./lowered-target.js";
import { deleteOrphan, listOrphans } from "./orphans.js";
import { rebuildLedger } from "./rebuild-ledger.js";
import { released } from "./release-server.js";
import { recalled, stoodBy } from "./stand-by.js";

export function createServerUseCases(context: Context): ServerUseCases {
  /** Of what this node may change. */
  async function find(key: GroupKey, server: ServerId, signal: AbortSignal) {
    const { group } = await liveGroup(context, key, signal);
    for (const placement of placementsOf(context, group)) {
      const actor = context.placements.open(placement);
      if ((await actor.state(signal)).servers.has(server)) return actor;
    }
    throw notFound(server);
  }

  return {
    async list({ key, pageSize, after, states }, { signal }) {
      const { group } = await liveGroup(context, key, signal);
      const all = await Promise.all(
        allPlacementsOf(group).map(async (placement): Promise<ServerView[]> => {
          const { servers } = await nearState(context, placement, signal);
          const { colo } = placement;
          const seen = copySeen(context, colo);
          return [...servers.values()].map((row) => ({ colo, row, ...seen }));
        }),
      );
      // Ids are sortable by time, so this is oldest first and stable while servers come and go.
      const rest = all
        .flat()
        .filter(({ row }) => after === undefined || row.id > after)
        .filter(({ row }) => states.length === 0 || states.includes(row.state))
        .toSorted((a, b) => (a.row.id < b.row.id ? -1 : 1));
      return { items: rest.slice(0, pageSize), more: rest.length > pageSize };
    },
    async get(key, server, { signal }) {
      const { group } = await liveGroup(context, key, signal);
      for (const placement of allPlacementsOf(group)) {
        const row = (await nearState(context, placement, signal)).servers.get(server);
        if (row) return { colo: placement.colo, row, ...copySeen(context, placement.colo) };
      }
      throw notFound(server);
    },
    async delete({ key, server, replace }, caller) {
      const actor = await find(key, server, caller.signal);
      return edit(actor, server, (state, row) =>
        removed(context, state, row, { replace, principal: caller.principal }),
      );
    },
    async release({ key, server, replace }, caller) {
      const actor = await find(key, server, caller.signal);
      return edit(actor, server, (state, row) =>
        released(context, state, row, { replace, principal: caller.principal }),
      );
    },
    adopt: (request, caller) => adoptServer(context, request, caller),
    orphans: (account, caller) => listOrphans(context, account, caller),
    deleteOrphan: (request, caller) => deleteOrphan(context, request, caller),
    rebuild: (key, caller) => rebuildLedger(context, key, caller),
    async protect({ key, server, protect }, caller) {
      const actor = await find(key, server, caller.signal);
      return edit(actor, server, (_state, row) => protectedRow(context, row, protect, caller));
    },
    async standBy({ key, server, standBy, replace }, caller) {
      const actor = await find(key, server, caller.signal);
      const { principal } = caller;
      return edit(actor, server, (state, row) =>
        standBy
          ? stoodBy(context, state, row, { replace, principal })
          : recalled(context, state, row, { principal }),
      );
    },
    async setHealth(request, caller) {
      const actor = await find(request.key, request.server, caller.signal);
      return edit(actor, request.server, (_state, row) =>
        reportedRow(context, row, request, caller),
      );
    },
  };

  async function edit(
    actor: PlacementActor,
    server: ServerId,
    decide: (state: PlacementState, row: ServerRow) => Decided<ServerRow>,
  ): Promise<ServerView> {
    actor.distrust(); // "It is so already" must not be said by memory.
    const row = await actor.change((state) => {
      const known = state.servers.get(server);
      if (!known) throw notFound(server);
      return decide(state, known);
    });
    context.wakeNow(actor.key);
    return { colo: actor.key.colo, row };
  }
}

/**
 * Removing a server twice lowers the target once: one that leaves already stays as it is (B8.2).
 */
function removed(
  context: Context,
  { doc }: PlacementState,
  row: ServerRow,
  asked: { readonly replace: boolean; readonly principal: string },
): Decided<ServerRow> {
  if (!isKept(row)) return { change: {}, reply: row };
  const counts = isCounted(row);
  const { clock, events } = context;
  const { principal, replace } = asked;
  const why = cause("B8.1", "REQUESTED", { principal, replace });
  const left = leaving(row, why, clock.nowMs());
  const target = doc && counts && !replace ? loweredTarget(doc, clock.nowMs()) : doc?.target;
  const lowered = doc && target !== undefined && target !== doc.target;
  const type = left.state === "draining" ? "server.draining" : "server.deleting";
  const facts = lowered ? { oldTarget: doc.target, target } : {};
  const event = events.make(type, { server: row.id, causes: [why], principal, facts });
  const next: ServerRow = { ...left, removedBy: event.id };
  const movedTo = { target, targetChangedAtMs: clock.nowMs(), movedBy: event.id };
  const kept = doc && counts && (replace ? replacedBy(doc, row, event.id) : afterLoss(doc, row));
  return {
    change: {
      servers: [next],
      ...(lowered ? { doc: { ...doc, ...movedTo, target } } : kept ? { doc: kept } : {}),
      events: [event],
    },
    reply: next,
  };
}

/** @throws Fault `OVERLOADED` while the cloud has yet to say whether there is such a server. */
function leaving(row: ServerRow, why: ReturnType<typeof cause>, nowMs: number): ServerRow {
  if (row.memberships.length > 0 && mayMove(row.state, "drain"))
    return leave(row, "drain", why, nowMs);
  if (mayMove(row.state, "delete")) return leave(row, "delete", why, nowMs);
  throw new Fault("OVERLOADED", {
    say: "the cloud has not yet answered whether this server exists: ask again in a moment",
    retryAfterMs: 5_000,
  });
}

function protectedRow(
  context: Context,
  row: ServerRow,
  protect: boolean,
  { principal }: Caller,
): Decided<ServerRow> {
  if (row.protected === protect) return { change: {}, reply: row };
  const next = { ...row, protected: protect };
  const facts = { protected: protect };
  const event = context.events.make("server.protected", { server: row.id, principal, facts });
  return { change: { servers: [next], events: [event] }, reply: next };
}

function reportedRow(
  context: Context,
  row: ServerRow,
  { health, reason, timeToLiveMs }: ReportHealth,
  { principal }: Caller,
): Decided<ServerRow> {
  const atMs = context.clock.nowMs();
  const { reported, ...rest } = row;
  const stood = reported !== undefined && atMs < reported.untilMs;
  if (health === "healthy" && !reported) return { change: {}, reply: row };
  const report = { reason, principal, atMs, untilMs: atMs + timeToLiveMs };
  const next: ServerRow = health === "healthy" ? rest : { ...rest, reported: report };
  // Monitors repeat themselves: only what is new is worth an event.
  if (stood && health === "unhealthy") return { change: { servers: [next] }, reply: next };
  const facts = { health, reason };
  const event = context.events.make("server.reported", { server: row.id, principal, facts });
  return { change: { servers: [next], events: [event] }, reply: next };
}

function notFound(server: ServerId): Fault {
  return new Fault("SERVER_NOT_FOUND", { say: `there is no server ${server}` });
}
