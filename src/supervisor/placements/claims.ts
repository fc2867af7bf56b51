import type {
  AccountId,
  CloudServerId,
  GroupId,
  PlacementKey,
  ServerId,
} from "../../core/model/ids.js";
import type { CloudServer, ServerRow } from "../../core/model/server.js";
import type { Context } from "../context.js";
import { groupIndex } from "./hints.js";
import type { PlacementState } from "./placement-state.js";

/** What stands on record about a server of the cloud, in a group other than the one that asks. */
export interface Claim {
  readonly group: GroupId;
  /** A row knows it, or a person ordered its delete as an orphan. */
  readonly kind: "row" | "order";
}

const pageMax = 1_000;

/**
 * Looks through all of the account's groups in the colo, as the store has them now. Who wants to
 * take a server looks after its own commit, too: of two that do so at once, one at least sees the
 * other (B8.1).
 */
export async function claimOn(
  context: Context,
  { account, colo }: Pick<PlacementKey, "account" | "colo">,
  server: Pick<CloudServer, "id" | "ownership">,
  { signal, except }: { readonly signal: AbortSignal; readonly except?: GroupId },
): Promise<Claim | undefined> {
  const groups = new Set(await groupsOf(context, account, signal));
  if (server.ownership) groups.add(server.ownership.group as GroupId);
  for (const group of groups) {
    if (group === except) continue;
    const actor = context.placements.open({ account, group, colo });
    actor.distrust(); // Another node may have written, even to what is worked on here.
    const state = await actor.state(signal);
    const claimed = state.servers.get((server.ownership?.server ?? "") as ServerId);
    const isOpen = claimed !== undefined && claimed.cloudId === undefined;
    if (rowBoundTo(state, server.id) || (isOpen && group === server.ownership?.group))
      return { group, kind: "row" };
    if (state.orphans.get(server.id)?.deleteOrder) return { group, kind: "order" };
  }
  return undefined;
}

async function groupsOf(context: Context, account: AccountId, signal: AbortSignal) {
  const groups: GroupId[] = [];
  for (let afterKey = ""; ; ) {
    const page = { index: groupIndex(account), afterKey, hintsMax: pageMax };
    const hints = await context.store.listHints(page, { signal });
    groups.push(...hints.map(({ key }) => key as GroupId));
    if (hints.length < pageMax) return groups;
    afterKey = hints.at(-1)!.key;
  }
}

export function rowBoundTo(state: PlacementState, cloudId: CloudServerId): ServerRow | undefined {
  return [...state.servers.values()].find((row) => row.cloudId === cloudId);
}
