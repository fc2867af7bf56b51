import type http2 from "node:http2";
import type { Clock } from "../../core/ports/clock.js";
import { peerLimits } from "./wire.js";

/**
 * Keeps a command from being begun whose sender has given it up: the network may keep what it could
 * not deliver for minutes, and so does the system of a process that stands still.
 */
export interface SilenceWatch {
  /** Ends the session once its other side was silent for too long. */
  add(session: http2.ServerHttp2Session): void;
  /** What comes now may have come long ago. */
  slept(): boolean;
  stop(): void;
}

const lookEveryMs = 500;

export function createSilenceWatch(clock: Clock): SilenceWatch {
  const heardAtMs = new Map<http2.ServerHttp2Session, number>();
  let lookedAtMs = clock.monotonicMs();
  const isLong = (sinceMs: number) => clock.monotonicMs() - sinceMs > peerLimits.silenceMsMax;

  let timer = clock.after(lookEveryMs, look);
  function look(): void {
    const slept = isLong(lookedAtMs);
    for (const [session, sinceMs] of heardAtMs) if (slept || isLong(sinceMs)) session.destroy();
    lookedAtMs = clock.monotonicMs();
    timer = clock.after(lookEveryMs, look);
  }

  return {
    add(session) {
      const hear = () => heardAtMs.set(session, clock.monotonicMs());
      hear();
      session.on("ping", hear);
      session.on("stream", hear);
      session.on("close", () => heardAtMs.delete(session));
    },
    slept: () => isLong(lookedAtMs),
    stop: () => timer.cancel(),
  };
}
