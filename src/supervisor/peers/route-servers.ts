import { Fault, isFault } from "../../core/errors/fault.js";
import type { GroupKey } from "../../core/model/ids.js";
import type { RebuiltLedger, ServerUseCases, ServerView } from "../api.js";
import type { Caller } from "../caller.js";
import type { Context } from "../context.js";
import { liveGroup, placementsElsewhere } from "../placements/ensure.js";
import { type Elsewhere, inItsColo, isUnanswered, ofReached } from "./ask-peer.js";
import type { PeerCommands } from "./commands.js";

type OfServer = `servers.${"delete" | "release" | "protect" | "standBy" | "setHealth"}`;

/** What is asked of a server is done in the colo that has it. Reading is local. */
export function routeServers(
  context: Context,
  own: ServerUseCases,
  elsewhere: Elsewhere,
): ServerUseCases {
  const { ask } = elsewhere;

  /** Ids tell nothing of colos: each of the group's is asked, until one knows the server. */
  async function whereItIs(
    name: OfServer,
    request: PeerCommands[OfServer]["request"] & { readonly key: GroupKey },
    caller: Caller,
    here: () => Promise<ServerView>,
  ): Promise<ServerView> {
    let failed = await here().catch(notFoundOf);
    if (!(failed instanceof Fault)) return failed;
    const { group } = await liveGroup(context, request.key, caller.signal);
    for (const { colo } of placementsElsewhere(context, group)) {
      const answer = await ask(colo, name, request as never, caller).catch(notFoundOf);
      if (!(answer instanceof Fault)) return answer;
      // It may be the server of a colo that cannot say so.
      if (!isFault(answer, "SERVER_NOT_FOUND")) failed = answer;
    }
    throw failed;
  }

  return {
    ...own,
    delete: (request, caller) =>
      whereItIs("servers.delete", request, caller, () => own.delete(request, caller)),
    release: (request, caller) =>
      whereItIs("servers.release", request, caller, () => own.release(request, caller)),
    protect: (request, caller) =>
      whereItIs("servers.protect", request, caller, () => own.protect(request, caller)),
    standBy: (request, caller) =>
      whereItIs("servers.standBy", request, caller, () => own.standBy(request, caller)),
    setHealth: (request, caller) =>
      whereItIs("servers.setHealth", request, caller, () => own.setHealth(request, caller)),
    /** Of the colos that can be reached. */
    async orphans(account, caller) {
      const others = await ofReached(elsewhere, (colo) =>
        ask(colo, "servers.orphans", { account }, caller),
      );
      return [...(await own.orphans(account, caller)), ...others.flat()];
    },
    adopt: inItsColo(elsewhere, "servers.adopt", own.adopt),
    deleteOrphan: inItsColo(elsewhere, "servers.deleteOrphan", own.deleteOrphan),
    async rebuild(key, caller) {
      const { group } = await liveGroup(context, key, caller.signal);
      const parts: RebuiltLedger[] = [await own.rebuild(key, caller)];
      for (const { colo } of placementsElsewhere(context, group))
        parts.push(await ask(colo, "servers.rebuild", key, caller));
      return {
        adopted: parts.flatMap(({ adopted }) => adopted),
        left: parts.flatMap(({ left }) => left),
      };
    },
  };
}

/** The fault, where another colo may still have the server. */
function notFoundOf(error: unknown): Fault {
  if (isFault(error, "SERVER_NOT_FOUND") || isUnanswered(error)) return error;
  throw error;
}
