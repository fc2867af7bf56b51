import { Fault, isFault } from "../../core/errors/fault.js";
import type { GroupKey } from "../../core/model/ids.js";
import type { GroupUseCases } from "../api.js";
import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import { liveGroup, placementsElsewhere } from "../placements/ensure.js";
import { type Elsewhere, isUnanswered } from "./ask-peer.js";
import type { CommandName, PeerCommands } from "./commands.js";
import type { OwnUseCases } from "./door.js";

type EveryPlacement = "pause" | "resume" | "acknowledgeHold" | "converge" | "confirmLedger";

/**
 * What is asked of a whole group is done here first, then in its other colos. A colo that cannot be
 * reached keeps none of the others from it (B8.3).
 *
 * @throws Fault `COLO_UNREACHABLE`, `PEER_UNKNOWN`: names the colos where it is, or may be, yet to
 *   be done; asking again does what is left.
 */
export function routeGroups(
  context: Context,
  own: OwnUseCases["groups"],
  { ask }: Elsewhere,
): Pick<GroupUseCases, EveryPlacement> {
  async function everywhere<Name extends CommandName>(
    key: GroupKey,
    caller: Caller,
    of: {
      readonly here: () => Promise<unknown>;
      readonly name: Name;
      readonly request: PeerCommands[Name]["request"];
    },
  ): Promise<void> {
    const { group } = await liveGroup(context, key, caller.signal);
    const others = placementsElsewhere(context, group);
    const isHere = others.length < group.placements.length;
    const ended = [
      ...(isHere ? await Promise.allSettled([of.here()]) : []),
      ...(await Promise.allSettled(
        others.map(({ colo }) => ask(colo, of.name, of.request, caller)),
      )),
    ];
    const failed = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const untold = others
      .filter((_, index) => isUntold(ended[index + (isHere ? 1 : 0)]!))
      .map(({ colo }) => colo);
    const other = failed.find((error) => !isUnanswered(error) && !isFault(error, "NOTHING_HELD"));
    if (other !== undefined) throw other;
    if (untold.length > 0) throw notTold(untold, failed);
    // That one colo holds nothing is no fault of another's that does.
    if (failed.length === ended.length && failed.length > 0) throw failed[0];
  }

  return {
    async pause(key, reason, caller) {
      const here = () => own.pause(key, reason, caller);
      await everywhere(key, caller, { here, name: "groups.pause", request: { key, reason } });
      return own.get(key, caller);
    },
    async resume(key, caller) {
      const here = () => own.resume(key, caller);
      await everywhere(key, caller, { here, name: "groups.resume", request: key });
      return own.get(key, caller);
    },
    async acknowledgeHold(key, reason, caller) {
      const here = () => own.acknowledgeHold(key, reason, caller);
      const request = { key, reason };
      await everywhere(key, caller, { here, name: "groups.acknowledgeHold", request });
      return own.get(key, caller);
    },
    converge(key, caller) {
      const here = () => own.converge(key, caller);
      return everywhere(key, caller, { here, name: "groups.converge", request: key });
    },
    async confirmLedger(request, caller) {
      const { key } = request;
      const here = () => own.confirmLedger(request, caller);
      await everywhere(key, caller, { here, name: "groups.confirmLedger", request });
      return own.get(key, caller);
    },
  };
}

function isUntold(ended: PromiseSettledResult<unknown>): boolean {
  return ended.status === "rejected" && isUnanswered(ended.reason);
}

function notTold(colos: readonly string[], failed: readonly unknown[]): Fault {
  const isUnknown = failed.some((error) => isFault(error, "PEER_UNKNOWN"));
  return new Fault(isUnknown ? "PEER_UNKNOWN" : "COLO_UNREACHABLE", {
    say: `done, but for what is yet to be done in ${colos.join(", ")}: ask again`,
    facts: { colos: colos.join(",") },
    retryAfterMs: 5_000,
  });
}
