import { Fault } from "../../src/core/errors/fault.js";
import type { ColoId } from "../../src/core/model/ids.js";
import type { Clock } from "../../src/core/ports/clock.js";
import type { PeerDoor, Peers } from "../../src/core/ports/peers.js";
import type { Links } from "./links.js";

/** The network between nodes of different colos, with what goes wrong on it. */
export interface PeerNet {
  /** What a node that serves these colos has of it. */
  peersOf(own: readonly string[]): Peers;
  /** A node that takes its colos' commands for as long as it is alive. */
  join(node: Participant): void;
  /** Answers of peers that got lost on their way, by now. */
  readonly lost: { answers: number };
}

export interface Participant {
  readonly own: readonly string[];
  readonly door: PeerDoor;
  readonly isAlive: () => boolean;
}

export interface PeerNetOptions {
  readonly clock: Clock;
  /** In [0, 1), for how long a way takes and who is asked. */
  readonly random: () => number;
  readonly colos: readonly string[];
  readonly links: Links;
}

const wayMsMin = 20;
const wayMsMax = 60;
/** So long an answer is waited for. */
const patienceMs = 4_000;

export function createPeerNet({ clock, random, colos, links }: PeerNetOptions): PeerNet {
  const nodes = new Set<Participant>();
  const lost = { answers: 0 };
  const way = () =>
    new Promise<void>((resolve) => {
      clock.after(wayMsMin + random() * (wayMsMax - wayMsMin), resolve);
    });
  const isOpen = (own: readonly string[], colo: string) =>
    own.some((one) => !links.isCut(one, colo));

  async function carry(own: readonly string[], colo: ColoId, command: string): Promise<unknown> {
    await way();
    for (const one of nodes) if (!one.isAlive()) nodes.delete(one);
    const there = [...nodes].filter((one) => one.own.includes(colo));
    const peer = there[Math.floor(random() * there.length)];
    if (!peer || !isOpen(own, colo)) throw unreachable(colo);
    const { signal } = new AbortController();
    const answer = await peer.door.answer(JSON.parse(command), signal).then(
      (value) => ({ text: JSON.stringify(value ?? null) }),
      (error: unknown) => ({ fault: asFault(error) }),
    );
    await way();
    if (!isOpen(own, colo)) return new Promise<never>(() => {});
    if ("fault" in answer) throw answer.fault;
    return JSON.parse(answer.text);
  }

  return {
    lost,
    join: (node) => void nodes.add(node),
    peersOf: (own) => ({
      colos: colos.filter((one) => !own.includes(one)) as ColoId[],
      ask(colo, command, call) {
        return new Promise((resolve, reject) => {
          const giveUp = () => {
            lost.answers++;
            const say = `${colo} has not answered`;
            reject(new Fault("PEER_UNKNOWN", { say }));
          };
          const timer = clock.after(patienceMs, giveUp);
          call.signal.addEventListener("abort", giveUp, { once: true });
          carry(own, colo, JSON.stringify(command))
            .then(resolve, reject)
            .finally(() => {
              timer.cancel();
              call.signal.removeEventListener("abort", giveUp);
            });
        });
      },
    }),
  };
}

function unreachable(colo: string): Fault {
  return new Fault("COLO_UNREACHABLE", { say: `no node of ${colo} can be reached` });
}

function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault("INTERNAL", { say: "the peer failed", cause: error });
}
