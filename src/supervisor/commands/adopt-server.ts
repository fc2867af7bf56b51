import { Fault, isFault } from "../../core/errors/fault.js";
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
import { claimOn, rowBoundTo } from "../placements/claims.js";
import { liveGroup } from "../placements/ensure.js";
import type { Decided, PlacementActor } from "../placements/placement-actor.js";
import type { PlacementState } from "../placements/placement-state.js";
import { released } from "./release-server.js";

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
  await refuseClaimed(context, actor.key, server, { signal });
  const { principal } = caller;
  const row = await actor.change((state) =>
    adopted(context, state, { group, server, keepTarget, principal }),
  );
  context.wakeNow(actor.key);
  try {
    // Another may have taken it between the look and the commit: both look once more.
    await refuseClaimed(context, actor.key, server, { signal, except: key.group });
    await forgetOrphan(context, actor.key, server);
  } catch (error) {
    if (isFault(error, "SERVER_BOUND") || isFault(error, "SERVER_NOT_AVAILABLE"))
      await letGo(context, actor, row.id, { replace: keepTarget, principal });
    throw error;
  }
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

/** Takes the adoption back: the server is somebody else's, or about to be deleted. */
async function letGo(
  context: Context,
  actor: PlacementActor,
  id: ServerId,
  asked: { readonly replace: boolean; readonly principal: string },
): Promise<void> {
  await actor.change((state) => {
    const row = state.servers.get(id);
    return row ? { ...released(context, state, row, asked) } : { change: {}, reply: undefined };
  });
  context.wakeNow(actor.key);
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

/** @throws Fault when something on record has the server already: a row, or an order (B9.6). */
async function refuseClaimed(
  context: Context,
  key: Pick<PlacementKey, "account" | "colo">,
  server: CloudServer,
  of: { readonly signal: AbortSignal; readonly except?: GroupId },
): Promise<void> {
  const claim = await claimOn(context, key, server, of);
  if (claim) throw claim.kind === "row" ? boundTo(server.id, claim.group) : toBeDeleted(server.id);
}

export function boundTo(id: CloudServerId, group: GroupId): Fault {
  return new Fault("SERVER_BOUND", {
    say: `${id} is a server of group ${group} already`,
    facts: { group },
  });
}

function toBeDeleted(id: CloudServerId): Fault {
  return new Fault("SERVER_NOT_AVAILABLE", { say: `${id} is ordered to be deleted as an orphan` });
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
  if (state.orphans.get(server.id)?.deleteOrder) throw toBeDeleted(server.id);
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

/**
 * The report of it stands where its tags pointed.
 *
 * @throws Fault `SERVER_NOT_AVAILABLE`: a person ordered its delete there meanwhile.
 */
async function forgetOrphan(
  context: Context,
  key: PlacementKey,
  { id, ownership }: CloudServer,
): Promise<void> {
  if (!ownership || ownership.group === key.group) return;
  const other = { ...key, group: ownership.group as GroupId };
  await context.placements.open(other).change((state) => {
    if (state.orphans.get(id)?.deleteOrder) throw toBeDeleted(id);
    return { change: state.orphans.has(id) ? { orphansGone: [id] } : {}, reply: undefined };
  });
}
