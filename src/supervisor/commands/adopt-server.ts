import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type { Group } from "../../core/model/group.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  PlacementKey,
  ServerId,
} from "../../core/model/ids.js";
import type { CloudServer, ServerRow } from "../../core/model/server.js";
import { meaningOf } from "../../core/plan/cloud-status.js";
import { withCloud } from "../../core/plan/lifecycle.js";
import { ownershipOf, tagsSay } from "../../core/plan/tags.js";
import { effectiveLimits } from "../../core/policy/limits.js";
import { type AdoptRequest, type Caller, objectLimits, type ServerView } from "../api.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { liveGroup } from "../placements/ensure.js";
import { groupIndex } from "../placements/hints.js";
import type { Decided } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";

/**
 * Makes a server of the account a row of the group (B8.1): an orphan, or one without tags. Its tags
 * are written by the next turns. Adopting what is adopted changes nothing (B8.2).
 *
 * @throws Fault `SERVER_NOT_OURS`: it carries another installation's or account's tags.
 * @throws Fault `SERVER_BOUND`: a row of this account knows it already.
 * @throws Fault `SERVER_NOT_AVAILABLE`: it does not run, so that it could only be given up.
 */
export async function adoptServer(
  context: Context,
  { key, colo: coloId, cloudId, keepTarget }: AdoptRequest,
  caller: Caller,
): Promise<ServerView> {
  const { signal } = caller;
  const { group } = await liveGroup(context, key, signal);
  const colo = coloIn(context, group, coloId);
  const actor = context.placements.open({ ...key, colo: coloId });
  const known = rowBoundTo(await actor.state(signal), cloudId);
  if (known) return { colo: coloId, row: known };
  const server = await lookAt(context, colo, { account: key.account, cloudId }, signal);
  refuseUnavailable(server);
  await refuseBound(context, { ...key, colo: coloId }, server, signal);
  const row = await actor.change((state) =>
    adopted(context, state, { group, server, keepTarget, principal: caller.principal }),
  );
  await forgetOrphan(context, { ...key, colo: coloId }, server);
  context.wake(actor.key);
  return { colo: coloId, row };
}

function refuseUnavailable(server: CloudServer): void {
  const { id, status, hostStatus } = server;
  if (meaningOf(server) === "available") return;
  throw new Fault("SERVER_NOT_AVAILABLE", {
    say: `the cloud has ${id} as ${status}: only a server that runs can be adopted`,
    facts: { status, ...(hostStatus === undefined ? {} : { hostStatus }) },
  });
}

function coloIn(context: Context, group: Group, id: ColoId): Colo {
  const colo = context.colos.get(id);
  if (colo && group.placements.some((one) => one.colo === id)) return colo;
  throw new Fault("COLO_NOT_FOUND", { say: `group ${group.id} has no placement in ${id} here` });
}

/** The server as the cloud tells of it, if it may be this account's at all. */
export async function lookAt(
  context: Context,
  colo: Colo,
  ref: { readonly account: AccountId; readonly cloudId: CloudServerId },
  signal: AbortSignal,
): Promise<CloudServer> {
  const server = await colo.outside.getServer(
    { account: ref.account, id: ref.cloudId },
    { signal },
  );
  if (!server)
    throw new Fault("SERVER_NOT_FOUND", { say: `the cloud has no server ${ref.cloudId}` });
  const { ownership } = server;
  const others =
    ownership &&
    (ownership.installation !== context.installation || ownership.account !== ref.account);
  if (!others) return server;
  throw new Fault("SERVER_NOT_OURS", {
    say: `${ref.cloudId} carries the tags of another installation or account`,
    facts: { installation: ownership.installation },
  });
}

const pageMax = 1_000;

/** @throws Fault `SERVER_BOUND` when any row of the account in this colo is bound to the server. */
export async function refuseBound(
  context: Context,
  { account, colo }: Pick<PlacementKey, "account" | "colo">,
  server: CloudServer,
  signal: AbortSignal,
): Promise<void> {
  const page = { index: groupIndex(account), afterKey: "", hintsMax: pageMax };
  const hints = await context.store.listHints(page, { signal });
  const groups = new Set(hints.map((hint) => hint.key as GroupId));
  if (server.ownership) groups.add(server.ownership.group as GroupId);
  for (const group of groups) {
    const actor = context.placements.open({ account, group, colo });
    const state = await actor.state(signal);
    const claimed = state.servers.get((server.ownership?.server ?? "") as ServerId);
    const isOpen = claimed !== undefined && claimed.cloudId === undefined;
    if (!rowBoundTo(state, server.id) && !(isOpen && group === server.ownership?.group)) continue;
    throw new Fault("SERVER_BOUND", {
      say: `${server.id} is a server of group ${group} already`,
      facts: { group },
    });
  }
}

function rowBoundTo(state: PlacementState, cloudId: CloudServerId): ServerRow | undefined {
  return [...state.servers.values()].find((row) => row.cloudId === cloudId);
}

interface Adoption {
  readonly group: Group;
  readonly server: CloudServer;
  readonly keepTarget: boolean;
  readonly principal: string;
}

function adopted(context: Context, state: PlacementState, asked: Adoption): Decided<ServerRow> {
  const { doc } = state;
  const { group, server, keepTarget, principal } = asked;
  const known = rowBoundTo(state, server.id);
  if (known) return { change: {}, reply: known };
  if (!doc || doc.deleting)
    throw new Fault("GROUP_DELETING", { say: "the group is being deleted" });
  const nowMs = context.clock.nowMs();
  const target = keepTarget ? doc.target : doc.target + 1;
  const { max } = effectiveLimits(doc, nowMs);
  if (target > max || state.servers.size >= objectLimits.serversPerPlacementMax)
    throw new Fault("LIMIT_EXCEEDED", {
      say: `the placement's maximum of ${max} is reached; raise it, or keep the target`,
      facts: { subject: `accounts/${group.account}/groups/${group.id}`, max: String(max) },
    });
  const row = { ...adoptedRow(context, state, group, server, nowMs), adoptedAtMs: nowMs };
  const facts = { cloudId: server.id, target, oldTarget: doc.target };
  const causes = [cause("B8.1", "REQUESTED", { principal })];
  const event = context.events.make("server.adopted", {
    server: row.id,
    ...{ principal, causes, facts },
  });
  const moved = target !== doc.target;
  const newestServer = row.id > (doc.newestServer ?? "") ? row.id : doc.newestServer;
  return {
    change: {
      servers: [row],
      doc: {
        ...doc,
        ...(newestServer === undefined ? {} : { newestServer }),
        ...(moved ? { target, targetChangedAtMs: nowMs, movedBy: event.id } : {}),
      },
      orphansGone: state.orphans.has(server.id) ? [server.id] : [],
      events: [event],
    },
    reply: row,
  };
}

/** The row that the server's tags claim, where that is free; else a new one. */
export function adoptedRow(
  context: Context,
  state: PlacementState,
  group: Group,
  server: CloudServer,
  nowMs: number,
): ServerRow {
  const { ownership } = server;
  const { key } = state;
  const ours = ownership?.group === key.group && ownership.colo === key.colo;
  const claims = (ownership?.server ?? "") as ServerId;
  const isFree = ours && /^[a-z0-9-]{1,63}$/.test(claims) && !state.servers.has(claims);
  const row: ServerRow = {
    id: isFree ? claims : (context.ids.next() as ServerId),
    state: "building",
    sinceMs: nowMs,
    createdAtMs: server.createdAtMs,
    // Of a server that no launch of the group made, no revision is known.
    launchRevision: ours ? Math.min(ownership.launchRevision, group.launchRevision) : 0,
    attempt: { id: context.attemptId, callDeadlineMs: nowMs },
    cloudId: server.id,
    memberships: [],
    protected: false,
  };
  const expected = ownershipOf(context.installation, key, row);
  const tagged = tagsSay(server, expected) === "right";
  return withCloud(tagged ? row : { ...row, tags: "adopted" }, server, nowMs);
}

/** The report of it stands where its tags pointed. */
async function forgetOrphan(
  context: Context,
  key: PlacementKey,
  { id, ownership }: CloudServer,
): Promise<void> {
  if (!ownership || ownership.group === key.group) return;
  const other = { ...key, group: ownership.group as GroupId };
  await context.placements.open(other).change((state) => ({
    change: state.orphans.has(id) ? { orphansGone: [id] } : {},
    reply: undefined,
  }));
}
