import { Fault, isFault } from "../../core/errors/fault.js";
import { outsideFaultOf } from "../../core/errors/outside-fault.js";
import type { AccountId, ColoId } from "../../core/model/ids.js";
import type { Caller } from "../api.js";
import type { Colo } from "../colo/colo.js";
import type { Repinned } from "../colo/credentials.js";
import type { Context } from "../context.js";
import { placementIndex, placementOfHint } from "../placements/hints.js";

const pageMax = 500;

/**
 * Pins the account to what its credentials answer for (B9.7). Servers of the project before would
 * all be the new one's 404s from then on, and so lost: they are not given up unless it is forced.
 *
 * @throws Fault `SERVER_BOUND`: the account has servers here, in the project before.
 * @throws Fault `CLOUD_UNAVAILABLE` while the cloud does not say which project it is.
 */
export async function repinAccount(
  context: Context,
  colo: Colo,
  request: { readonly account: AccountId; readonly isForced: boolean },
  { principal, signal }: Caller,
): Promise<Repinned> {
  const { account, isForced } = request;
  const mayMove = async ({ before, project }: { before: string; project: string }) => {
    if (isForced) return;
    const servers = await countServers(context, colo.id, account, signal);
    if (servers === 0) return;
    const lost = `pinned to ${project} all would be taken for lost, and be made anew there`;
    const say = `the account's servers here, ${servers}, are of project ${before}: ${lost}`;
    throw new Fault("SERVER_BOUND", { say, facts: { before, project } });
  };
  try {
    return await colo.outside.repin(account, { principal, mayMove });
  } catch (error) {
    if (isFault(error)) throw error;
    const say = `the cloud does not tell the account's project: ${outsideFaultOf(error).message}`;
    throw new Fault("CLOUD_UNAVAILABLE", { say, retryAfterMs: 5_000, cause: error });
  }
}

/** Servers that the ledger binds, or may have to bind yet. */
async function countServers(
  context: Context,
  colo: ColoId,
  account: AccountId,
  signal: AbortSignal,
): Promise<number> {
  let servers = 0;
  let afterKey = "";
  for (;;) {
    const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
    const hints = await context.store.listHints(page, { signal });
    for (const hint of hints) {
      const key = placementOfHint(colo, hint);
      if (key.account !== account) continue;
      const actor = context.placements.open(key);
      actor.distrust(); // Another node may work on it.
      const rows = [...(await actor.state(signal)).servers.values()];
      servers += rows.filter(
        (row) => row.cloudId !== undefined || row.state === "unconfirmed",
      ).length;
    }
    if (hints.length < pageMax) return servers;
    afterKey = hints.at(-1)!.key;
  }
}
