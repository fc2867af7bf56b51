import { Fault } from "../../core/errors/fault.js";
import { cause } from "../../core/model/cause.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  PlacementKey,
} from "../../core/model/ids.js";
import type { Caller, OrphanView } from "../api.js";
import type { Context } from "../context.js";
import { claimOn } from "../placements/claims.js";
import { groupIndex, orphanIndex } from "../placements/hints.js";
import { boundTo, lookAt } from "./adopt-server.js";

const pageMax = 1_000;

/** Servers with our tags that belong to no row, as reported, in the colos served here (B9.6). */
export async function listOrphans(
  context: Context,
  account: AccountId,
  { signal }: Caller,
): Promise<readonly OrphanView[]> {
  const listed = async (index: string) => {
    const page = { index, afterKey: "", hintsMax: pageMax };
    return (await context.store.listHints(page, { signal })).map(({ key }) => key as GroupId);
  };
  const groups = await listed(groupIndex(account));
  const perColo = await Promise.all(
    [...context.colos.keys()].map(async (colo) => {
      // Under the names of groups that are gone, too.
      const named = new Set([...groups, ...(await listed(orphanIndex({ account, colo })))]);
      return [...named].map((group): PlacementKey => ({ account, group, colo }));
    }),
  );
  const found = await Promise.all(
    perColo.flat().map(async (key) => {
      const { orphans } = await context.placements.open(key).state(signal);
      return [...orphans.values()].map((orphan): OrphanView => ({ key, orphan }));
    }),
  );
  return found.flat();
}

/**
 * A person's order to delete a reported orphan (B9.6), on record when this returns. The node at
 * work on the placement carries it out, by two witnesses as ever: the order, bound to this very
 * server, and our tags on it, read right before. Repeating it changes nothing.
 *
 * @throws Fault `SERVER_NOT_FOUND`: no such server, or none that was reported as an orphan.
 * @throws Fault `SERVER_BOUND`: a row is bound to it: it is no orphan.
 */
export async function deleteOrphan(
  context: Context,
  request: {
    readonly account: AccountId;
    readonly colo: ColoId;
    readonly cloudId: CloudServerId;
  },
  caller: Caller,
): Promise<OrphanView> {
  const { account, colo: coloId, cloudId } = request;
  const { principal, signal } = caller;
  const colo = context.colos.get(coloId);
  if (!colo) throw new Fault("COLO_NOT_FOUND", { say: `there is no colo ${coloId}` });
  const server = await lookAt(context, colo, { account, cloudId }, signal);
  const notReported = () =>
    new Fault("SERVER_NOT_FOUND", { say: `${cloudId} is not reported as an orphan` });
  if (!server.ownership) throw notReported();
  const claim = await claimOn(context, { account, colo: coloId }, server, { signal });
  if (claim?.kind === "row") throw boundTo(cloudId, claim.group);
  const key = { account, group: server.ownership.group as GroupId, colo: coloId };
  const orphan = await context.placements.open(key).change((state) => {
    const known = state.orphans.get(cloudId);
    if (!known || known.claims !== server.ownership?.server) throw notReported();
    if (known.deleteOrder) return { change: {}, reply: known };
    const ordered = { ...known, deleteOrder: { principal, atMs: context.clock.nowMs() } };
    const causes = [cause("B9.6", "REQUESTED", { principal })];
    const facts = { cloudId, claims: known.claims };
    const event = context.events.make("server.orphan_deleted", { principal, causes, facts });
    return { change: { orphans: [ordered], events: [event] }, reply: ordered };
  });
  context.wakeNow(key);
  return { key, orphan };
}
