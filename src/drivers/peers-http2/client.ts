import { Fault } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Meter } from "../../core/ports/meter.js";
import type { Peers } from "../../core/ports/peers.js";
import { type Channel, createChannel, type Sent } from "./channel.js";
import { type IdentityFiles, readIdentity } from "./identity.js";
import { decodeAnswer, encodeCommand, peerLimits } from "./wire.js";

export interface PeerClientOptions {
  readonly installation: string;
  readonly identity: IdentityFiles;
  /** Addresses (`host:port`) of each other colo's nodes. */
  readonly colos: Readonly<Record<string, readonly string[]>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** The way to other colos' nodes: HTTP/2 over mutual TLS. Nothing is connected before it is used. */
export interface PeerClient extends Peers {
  close(): void;
}

/** How an ask ended: with the command's result, with its Fault, or as `Peers` says. */
type Outcome = "done" | "fault" | "unreachable" | "unknown";

export function createPeerClient(options: PeerClientOptions): PeerClient {
  const { installation, clock, log } = options;
  const identity = () => readIdentity(options.identity);
  const ways = new Map(
    Object.entries(options.colos).map(([colo, addresses]) => [
      colo as ColoId,
      addresses.map((address) => createChannel({ address, installation, identity, clock })),
    ]),
  );
  const asks = options.meter.counter({
    name: "muster_peer_asks_total",
    help: "Commands that other colos' nodes were asked to carry out, by how that ended.",
    labels: ["colo", "outcome"],
  });

  return {
    colos: [...ways.keys()],
    async ask(colo, command, { signal, endsAtMs }) {
      const about = { colo, command: command.name, requestId: command.requestId };
      const told = (outcome: Outcome, more: object = {}) => {
        asks.add({ colo, outcome });
        const level = outcome === "unknown" ? "warn" : "debug";
        log[level]({ ...about, ...more, outcome }, "another colo was asked");
      };
      const body = encodeCommand(command);
      if (body.length > peerLimits.requestBytesMax) throw tooLarge(colo, body.length);
      const timeoutMs = Math.min(
        peerLimits.askMsMax,
        endsAtMs === undefined ? peerLimits.askMsMax : endsAtMs - clock.monotonicMs(),
      );
      const { sent, address } = await firstThatTakes(colo, { body, timeoutMs, signal });
      if (sent.kind === "notTaken") {
        told("unreachable", { error: String(sent.cause) });
        throw unreachable(colo, sent.cause);
      }
      const answer = sent.kind === "answered" ? decodeAnswer(sent.body) : undefined;
      if (!answer) {
        const cause = sent.kind === "unknown" ? sent.cause : new Error("the answer is not one");
        told("unknown", { address, error: String(cause) });
        throw unknown(colo, cause);
      }
      if ("fault" in answer) {
        told("fault", { address, reason: answer.fault.reason });
        throw answer.fault;
      }
      told("done", { address });
      return answer.result;
    },
    close() {
      for (const channels of ways.values()) for (const channel of channels) channel.close();
    },
  };

  /** Goes on to the next node only after one that certainly did not take it. */
  async function firstThatTakes(
    colo: ColoId,
    ask: { readonly body: Buffer; readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<{ readonly sent: Sent; readonly address: string }> {
    const channels = ways.get(colo) ?? [];
    let sent: Sent = { kind: "notTaken", cause: new Error("none of its nodes is configured") };
    for (const channel of [...channels]) {
      if (ask.signal.aborted) return { sent: { kind: "notTaken", cause: gone }, address: "" };
      sent = await channel.send(ask.body, ask.timeoutMs, ask.signal);
      if (sent.kind !== "notTaken") return { sent, address: channel.address };
      moveToEnd(channels, channel);
    }
    return { sent, address: "" };
  }
}

const gone = new Error("its caller is gone");

/** The next ask begins with one that may be better. */
function moveToEnd(channels: Channel[], channel: Channel): void {
  channels.splice(channels.indexOf(channel), 1);
  channels.push(channel);
}

function unreachable(colo: string, cause: unknown): Fault {
  const say = `no node of colo ${colo} can be reached; nothing was done there`;
  return new Fault("COLO_UNREACHABLE", { say, facts: { colo }, retryAfterMs: 1_000, cause });
}

function unknown(colo: string, cause: unknown): Fault {
  const say = `colo ${colo} did not answer in time; it has either done it or not: ask again`;
  return new Fault("PEER_UNKNOWN", { say, facts: { colo }, retryAfterMs: 1_000, cause });
}

function tooLarge(colo: string, bytes: number): Fault {
  const max = peerLimits.requestBytesMax;
  const say = `a command to colo ${colo} has ${bytes} bytes, more than ${max}`;
  return new Fault("LIMIT_EXCEEDED", { say, facts: { colo } });
}
