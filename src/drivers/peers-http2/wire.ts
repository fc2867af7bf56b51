import { Fault, type FieldViolation, isFault } from "../../core/errors/fault.js";
import { reasons } from "../../core/errors/reasons.js";
import type { PeerCommand } from "../../core/ports/peers.js";

/** One command, one `POST` with JSON both ways. */
export const askPath = "/muster.peer.v1/ask";
/** What is left of the caller's patience, in whole ms. */
export const timeoutHeader = "muster-timeout-ms";

export const peerLimits = {
  requestBytesMax: 4 * 1024 * 1024,
  answerBytesMax: 16 * 1024 * 1024,
  /** Longer than that no command is worked on, whatever its caller's patience. */
  askMsMax: 60_000,
  connectMsMax: 2_000,
  connectionsMax: 1_000,
  /** Who asks says something that often. */
  pingEveryMs: 2_000,
  /**
   * Who is asked takes nothing more from a connection that was silent for so long. Shorter than
   * `pongMsMax`: a command that the network has kept comes to nobody once its sender has given up.
   */
  silenceMsMax: 5_500,
  /** Who asks gives a connection up on which a ping was not answered for so long. */
  pongMsMax: 7_000,
  streamsPerConnectionMax: 256,
} as const;

/** What became of a command that a node took. */
export type Answer = { readonly result: unknown } | { readonly fault: Fault };

export function encodeCommand({ name, request, principal, requestId }: PeerCommand): Buffer {
  return Buffer.from(JSON.stringify({ name, request, principal, requestId }));
}

/** Undefined for anything that is no command. */
export function decodeCommand(body: Buffer): PeerCommand | undefined {
  const { name, request, principal, requestId } = objectOf(body) ?? {};
  if (typeof name !== "string" || typeof principal !== "string") return undefined;
  if (requestId === undefined) return { name, request, principal };
  return typeof requestId === "string" ? { name, request, principal, requestId } : undefined;
}

export function encodeResult(result: unknown): Buffer {
  return Buffer.from(JSON.stringify({ result }));
}

/** All that a caller may see of it; the cause stays where it is. */
export function encodeFault({ reason, message, facts, violations, retryAfterMs }: Fault): Buffer {
  const fault = { reason, say: message, facts, violations, retryAfterMs };
  return Buffer.from(JSON.stringify({ fault }));
}

/** Undefined for anything that is no answer, also for faults that only newer versions know. */
export function decodeAnswer(body: Buffer): Answer | undefined {
  const { result, fault } = objectOf(body) ?? {};
  if (fault === undefined) return { result };
  const { reason, say, facts, violations, retryAfterMs } = fault as Partial<Encoded>;
  if (typeof reason !== "string" || !Object.hasOwn(reasons, reason)) return undefined;
  return {
    fault: new Fault(reason, {
      say: String(say),
      facts: facts ?? {},
      violations: violations ?? [],
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    }),
  };
}

interface Encoded {
  readonly reason: keyof typeof reasons;
  readonly say: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number;
}

function objectOf(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a command ended with it, and was not broken by it. */
export function isOutcome(error: unknown): error is Fault {
  return isFault(error) && error.code !== "internal";
}
