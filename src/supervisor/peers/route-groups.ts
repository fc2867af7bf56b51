import { Fault, isFault } from "../../core/errors/fault.js";
import type { ColoId, GroupKey } from "../../core/model/ids.js";
import type { GroupUseCases } from "../api.js";
import type { Caller } from "../caller.js";
import { makeRebuildOrder, obeyRebuildHere } from "../commands/rebuild-group.js";
import type { Context } from "../context.js";
import { liveGroup, placementsElsewhere } from "../placements/ensure.js";
import { type Elsewhere, isUnanswered } from "./ask-peer.js";
import type { CommandName, KeepOrder, PeerCommands } from "./commands.js";
import type { OwnUseCases } from "./door.js";
import { keepOrder } from "./keep-order.js";

type EveryPlacement =
  | "pause"
  | "resume"
  | "rebuild"
  | "acknowledgeHold"
  | "converge"
  | "confirmLedger";

/**
 * What is asked of a whole group is done here first, then in its other colos. A colo that cannot be
 * reached keeps none of the others from it (B8.3).
 *
 * @throws Fault `COLO_UNREACHABLE`, `PEER_UNKNOWN`: names the colos where it is, or may be, yet to
 *   be done; asking again does what is left. A pause or its end is told there once it can be.
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
      /** What those hear later that cannot be reached now. */
      readonly word?: KeepOrder["word"];
    },
  ): Promise<void> {
    const { group } = await liveGroup(context, key, caller.signal);
    const others = placementsElsewhere(context, group).map(({ colo }) => colo);
    const isHere = others.length < group.placements.length;
    const ended = [
      ...(isHere ? await Promise.allSettled([of.here()]) : []),
      ...(await Promise.allSettled(others.map((colo) => ask(colo, of.name, of.request, caller)))),
    ];
    const failed = ended.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
    const isTold = (_: ColoId, index: number) => !isUntold(ended[index + (isHere ? 1 : 0)]!);
    const told = others.filter(isTold);
    const untold = others.filter((colo) => !told.includes(colo));
    const { word } = of;
    const isKept = word !== undefined && (await kept({ key, word, untold, told }, isHere, caller));
    const other = failed.find((error) => !isUnanswered(error) && !isFault(error, "NOTHING_HELD"));
    if (other !== undefined) throw other;
    if (untold.length > 0) throw notTold(untold, failed, isKept);
    // That one colo holds nothing is no fault of another's that does.
    if (failed.length === ended.length && failed.length > 0) throw failed[0];
  }

  /** Whether it is: here, or by the first colo of the group that takes it. */
  async function kept(request: KeepOrder, isHere: boolean, caller: Caller): Promise<boolean> {
    if (isHere) {
      await keepOrder(context, request, caller);
      return true;
    }
    for (const colo of request.untold.length > 0 ? request.told : [])
      try {
        await ask(colo, "groups.keepOrder", request, caller);
        return true;
      } catch (error) {
        if (!isUnanswered(error)) throw error;
      }
    return false;
  }

  const wordOf = ({ principal }: Caller) => ({ atMs: context.clock.nowMs(), principal });

  return {
    async pause(key, reason, caller, processes) {
      const here = () => own.pause(key, reason, caller, processes);
      const of = processes ? { processes } : {};
      const word = { ...wordOf(caller), pause: { reason }, ...of };
      const request = { key, reason, ...of };
      await everywhere(key, caller, { here, name: "groups.pause", request, word });
      return own.get(key, caller);
    },
    async resume(key, caller, processes) {
      const here = () => own.resume(key, caller, processes);
      const of = processes ? { processes } : {};
      const word = { ...wordOf(caller), ...of };
      const request = { ...key, ...of };
      await everywhere(key, caller, { here, name: "groups.resume", request, word });
      return own.get(key, caller);
    },
    async rebuild(asked, caller) {
      const { key } = asked;
      const word = await makeRebuildOrder(context, asked, caller);
      const request = { key, order: word };
      const here = () => obeyRebuildHere(context, key, word, caller);
      await everywhere(key, caller, { here, name: "groups.rebuild", request, word });
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

function notTold(colos: readonly string[], failed: readonly unknown[], isKept: boolean): Fault {
  const isUnknown = failed.some((error) => isFault(error, "PEER_UNKNOWN"));
  const next = isKept ? "it is told there once it can be" : "ask again";
  return new Fault(isUnknown ? "PEER_UNKNOWN" : "COLO_UNREACHABLE", {
    say: `done, but for what is yet to be done in ${colos.join(", ")}: ${next}`,
    facts: { colos: colos.join(",") },
    retryAfterMs: 5_000,
  });
}
