import type { ColoId } from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import { createLater } from "../later.js";
import type { CredentialBook } from "./credential-book.js";

/** Seals with the newest key what an older one sealed, so that the older one can be retired. */
export interface Resealer {
  start(): void;
  stop(): void;
}

const beginMs = 5_000;
const roundMs = 300_000;

export function createResealer(deps: {
  readonly book: CredentialBook;
  readonly colos: readonly ColoId[];
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Resealer {
  const { book, colos, clock, log, signal } = deps;
  const later = createLater({ what: "sealing credentials anew", clock, log, signal });

  async function round(colo: ColoId): Promise<void> {
    try {
      const { resealed, failed } = await book.reseal(colo, signal);
      if (resealed > 0) log.warn({ colo, resealed }, "credentials sealed with the newest key");
      if (failed > 0) log.error({ colo, failed }, "credentials that no key opens: write them anew");
    } catch (error) {
      if (!signal.aborted) log.warn({ colo, error: String(error) }, "credentials not sealed anew");
    }
    later(roundMs, () => round(colo));
  }

  return {
    start() {
      for (const colo of colos) later(beginMs, () => round(colo));
    },
    stop: later.stop,
  };
}
