import { Fault } from "../../core/errors/fault.js";
import type { PeerDoor } from "../../core/ports/peers.js";
import type { Supervisor } from "../api.js";
import type { Caller } from "../caller.js";
import { checkLaunchHere } from "../commands/check-launch.js";
import type { Context } from "../context.js";
import type { CommandName, PeerCommands } from "./commands.js";

type Handlers = {
  readonly [Name in CommandName]: (
    request: PeerCommands[Name]["request"],
    caller: Caller,
  ) => Promise<PeerCommands[Name]["answer"]>;
};

/** Keeps an answer small, whatever is asked for. */
const feedEntriesMax = 500;

/** Carries out what nodes of other colos ask, with this node's own use cases: one hop, no more. */
export function createPeerDoor(context: Context, own: Pick<Supervisor, "scaling">): PeerDoor {
  const handlers: Handlers = {
    "launch.check": (request, caller) => checkLaunchHere(context, request, caller),
    "feed.read": ({ after, entriesMax }, caller) =>
      context.store.readFeed(after, Math.min(entriesMax, feedEntriesMax), caller),
    "scaling.submit": (request, caller) => own.scaling.submit(request, caller),
  };
  return {
    async answer({ name, request, principal }, signal) {
      if (!Object.hasOwn(handlers, name))
        throw new Fault("UNSUPPORTED", { say: `this node knows no command ${name}` });
      return handlers[name as CommandName](request as never, { principal, signal });
    },
  };
}
