import type http2 from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../core/ports/clock.js";
import { peerLimits } from "./wire.js";

/**
 * Keeps a command from being begun whose sender has given it up: the network may keep what it could
 * not deliver for minutes, and so does the system of a process that stands still.
 */
export interface SilenceWatch {
  /** Ends the session once its other side was silent for too long, and its connection. */
  add(session: http2.ServerHttp2Session, socket: TLSSocket): void;
  /** What comes now may have come long ago. */
  slept(): boolean;
  stop(): void;
}

const lookEveryMs = 500;

interface Side {
  heardAtMs: number;
  end(): void;
}

export function createSilenceWatch(clock: Clock): SilenceWatch {
  const sides = new Set<Side>();
  let lookedAtMs = clock.monotonicMs();
  const isLong = (sinceMs: number) => clock.monotonicMs() - sinceMs > peerLimits.silenceMsMax;

  let timer = clock.after(lookEveryMs, look);
  function look(): void {
    const slept = isLong(lookedAtMs);
    for (const side of sides) if (slept || isLong(side.heardAtMs)) side.end();
    lookedAtMs = clock.monotonicMs();
    timer = clock.after(lookEveryMs, look);
  }

  return {
    add(session, socket) {
      const side: Side = {
        heardAtMs: clock.monotonicMs(),
        end() {
          session.destroy();
          // What is yet to be sent would keep it for minutes.
          socket.destroy();
        },
      };
      const hear = () => {
        side.heardAtMs = clock.monotonicMs();
      };
      sides.add(side);
      session.on("ping", hear);
      session.on("stream", hear);
      session.on("close", () => sides.delete(side));
    },
    slept: () => isLong(lookedAtMs),
    stop: () => timer.cancel(),
  };
}
