import { type Fault, isFault } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { PeerCommand, Peers } from "../../core/ports/peers.js";
import type { Caller } from "../caller.js";
import { sleep } from "../sleep.js";
import type { CommandName, PeerCommands } from "./commands.js";

/**
 * Asks the colo until it is known what became of the command, a few times at most.
 *
 * @throws Fault `COLO_UNREACHABLE`: certainly not carried out.
 * @throws Fault `PEER_UNKNOWN`: still not known; who repeats it has to ask the same.
 */
export type AskPeer = <Name extends CommandName>(
  colo: ColoId,
  name: Name,
  request: PeerCommands[Name]["request"],
  caller: Caller,
) => Promise<PeerCommands[Name]["answer"]>;

/** Nobody there said what became of it: it was not carried out, or nobody knows. */
export function isUnanswered(error: unknown): error is Fault {
  return isFault(error, "COLO_UNREACHABLE") || isFault(error, "PEER_UNKNOWN");
}

export interface Elsewhere {
  readonly colos: ReadonlySet<ColoId>;
  readonly ask: AskPeer;
}

const triesMax = 3;
const againMs = 300;

export function createElsewhere(peers: Peers, clock: Clock): Elsewhere {
  const ask: AskPeer = async (colo, name, request, caller) => {
    const { principal, signal } = caller;
    const { requestId } = request as { readonly requestId?: string };
    const once = requestId === undefined ? {} : { requestId };
    const command: PeerCommand = { name, request, principal, ...once };
    let unknown: unknown;
    for (let tries = 1; ; tries++) {
      try {
        // JSON is what both sides agreed on in `PeerCommands`.
        return (await peers.ask(colo, command, caller)) as never;
      } catch (error) {
        if (isFault(error, "PEER_UNKNOWN")) unknown = error;
        // What was not taken this time may have been taken before.
        else if (!isFault(error, "COLO_UNREACHABLE")) throw error;
        if (unknown === undefined) throw error;
        if (tries === triesMax) throw unknown;
      }
      await sleep(clock, againMs, signal);
    }
  };
  return { colos: new Set(peers.colos), ask };
}

/** What each of the other colos answers, without those that cannot be reached. */
export async function ofReached<Answer>(
  { colos }: Elsewhere,
  askOne: (colo: ColoId) => Promise<Answer>,
): Promise<Answer[]> {
  const answers = [...colos].map((colo) =>
    askOne(colo).then(
      (answer) => [answer],
      (error: unknown): Answer[] => {
        if (isUnanswered(error)) return [];
        throw error;
      },
    ),
  );
  return (await Promise.all(answers)).flat();
}

/** Commands that name the colo whose business they are. */
type OfColo = {
  [Name in CommandName]: PeerCommands[Name]["request"] extends { readonly colo: ColoId }
    ? Name
    : never;
}[CommandName];

/** Carries out what names its colo: here where it is served here, else by a node of it. */
export function inItsColo<Name extends OfColo>(
  { colos, ask }: Elsewhere,
  name: Name,
  here: (
    request: PeerCommands[Name]["request"],
    caller: Caller,
  ) => Promise<PeerCommands[Name]["answer"]>,
): typeof here {
  return async (request, caller) =>
    colos.has(request.colo) ? ask(request.colo, name, request, caller) : here(request, caller);
}
