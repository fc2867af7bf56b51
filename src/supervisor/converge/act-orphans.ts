import { cause } from "../../core/model/cause.js";
import type { CloudServerId, PlacementKey } from "../../core/model/ids.js";
import { type Step, stepKey } from "../../core/model/observation.js";
import type { OrphanRow } from "../../core/model/orphan.js";
import type { CloudServer } from "../../core/model/server.js";
import type { Ticket } from "../colo/admission.js";
import type { Context } from "../context.js";
import { claimOn, rowBoundTo } from "../placements/claims.js";
import type { Cooling } from "./cooling.js";

type OrphanStep = Extract<Step, { kind: "deleteOrphan" }>;

export type OrphanRun = (key: PlacementKey, step: OrphanStep, ticket: Ticket) => Promise<void>;

/** Asked for in vain, it is asked again after this; a person may take it over in between. */
const askAgainMs = 5_000;
/** Its tags name another by now: the order stands, but there is nothing of ours to delete. */
const foreignDelayMs = 60_000;

/**
 * Carries out a person's order to delete an orphan (B9.6). Two witnesses as ever: the order,
 * committed and bound to this very server, and our tags on it, read right before; and no row of any
 * group knows it.
 */
export function createOrphanRun(context: Context, cooling: Cooling): OrphanRun {
  const ordered = (key: PlacementKey, cloudId: CloudServerId): OrphanRow | undefined => {
    const state = context.placements.peek(key);
    const orphan = state?.orphans.get(cloudId);
    return state && orphan?.deleteOrder && !rowBoundTo(state, cloudId) ? orphan : undefined;
  };
  const forget = (key: PlacementKey, cloudId: CloudServerId) =>
    context.placements.open(key).change((state) => ({
      change: state.orphans.has(cloudId) ? { orphansGone: [cloudId] } : {},
      reply: undefined,
    }));

  return async (key, step, ticket) => {
    const { outside, servers } = context.colos.get(key.colo)!;
    const { cloudId } = step;
    const ref = { account: key.account, id: cloudId };
    const seen = await outside.getServer(ref, { ticket });
    const orphan = ordered(key, cloudId);
    if (!orphan) return;
    cooling.start(key, stepKey(step), askAgainMs);
    if (!seen) {
      await forget(key, cloudId);
      return;
    }
    if (!isClaimed(seen, context.installation, key, orphan)) {
      cooling.start(key, stepKey(step), foreignDelayMs);
      return;
    }
    const claim = await claimOn(context, key, seen, { signal: context.signal });
    if (claim?.kind === "row") {
      await forget(key, cloudId);
      return;
    }
    const unless = () =>
      ordered(key, cloudId) ? undefined : cause("B9.5", "WITHDRAWN", { server: cloudId });
    const answer = await outside.deleteServer({ key, unless }, ref);
    if (answer.kind === "answered") servers.forget(key.account);
  };
}

function isClaimed(
  { ownership }: CloudServer,
  installation: string,
  { account, group, colo }: PlacementKey,
  { claims }: OrphanRow,
): boolean {
  return (
    ownership?.installation === installation &&
    ownership.account === account &&
    ownership.group === group &&
    ownership.colo === colo &&
    ownership.server === claims
  );
}
