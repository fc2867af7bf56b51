import type { ColoId } from "../../core/model/ids.js";
import type { ColoHealth } from "../../core/policy/carry.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import type { Hint, Store } from "../../core/ports/store.js";
import type { Colo } from "../colo/colo.js";
import { createLater } from "../later.js";
import { type Elsewhere, isUnanswered } from "./ask-peer.js";

/** How the installation's colos do, as this node sees them: it asks each every few seconds. */
export interface ColoWatch {
  start(): void;
  stop(): void;
  healthOf(colo: ColoId): ColoHealth;
  /** Whether it is served here, or answered when it was last asked. */
  isReached(colo: ColoId): boolean;
  /**
   * As of when the copy of another colo's placements is here, by that colo's clock: the newest sign
   * of life that came with it. After a gap in the signs it is the last one before the gap for a
   * while, as what the copy missed arrives later than what is new. Undefined of one served here,
   * and while none has come.
   */
  copySeenAtMs(colo: ColoId): number | undefined;
}

/** What a colo says of itself, or that it does not. */
type Pulse = "well" | "unreachable" | "cannotStart";

interface Watched {
  pulse: Pulse;
  /** Since when it is well, or is not; on the monotonic clock. */
  sinceMs: number;
  told: ColoHealth;
}

/** The signs that came with a copy; `AtMs` by the clock of the colo that left them. */
interface Copy {
  /** That with which all before it has arrived. */
  wholeAtMs: number;
  newestAtMs: number;
  /** Since when they have come without a gap; on the monotonic clock. */
  steadySinceMs: number;
}

const everyMs = 5_000;
/** Longer than signs take that come through a busy store. */
const signGapMs = 3 * everyMs;
const signIndex = "signs";
const signsMax = 1_000;
/** So long a colo must have been away before others act for it, or back before they cease to. */
const steadyAfterMs = 60_000;

export function createColoWatch(deps: {
  readonly colos: ReadonlyMap<ColoId, Colo>;
  readonly elsewhere: Elsewhere | undefined;
  readonly principal: string;
  readonly store: Pick<Store, "putHints" | "listHints">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Its health is another from now on. */
  readonly turned: (colo: ColoId) => void;
}): ColoWatch {
  const { colos, elsewhere, store, clock, log, signal, principal } = deps;
  const later = createLater({ what: "watching colos", clock, log, signal });
  const all = new Map<ColoId, Watched>();
  const copies = new Map<ColoId, Copy>();

  async function pulseOf(colo: ColoId): Promise<Pulse> {
    const here = colos.get(colo);
    if (here) return startsServers(here) ? "well" : "cannotStart";
    try {
      const caller = { principal, signal };
      const { mayStart } = await elsewhere!.ask(colo, "colos.pulse", { colo }, caller);
      return mayStart ? "well" : "cannotStart";
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      return "unreachable";
    }
  }

  function healthOf({ pulse, sinceMs }: Watched): ColoHealth {
    return clock.monotonicMs() - sinceMs < steadyAfterMs ? "unsteady" : pulse;
  }

  /** What other colos leave in the store arrives as old as their placements do. */
  async function leaveSign(): Promise<void> {
    const value = String(clock.nowMs());
    const signs = [...colos.keys()].map((key): Hint => ({ index: signIndex, key, value }));
    await store.putHints(signs, { signal });
    later(everyMs, leaveSign);
  }

  async function readSigns(others: ReadonlySet<ColoId>): Promise<void> {
    const page = { index: signIndex, afterKey: "", hintsMax: signsMax };
    for (const { key, value } of await store.listHints(page, { signal }))
      if (others.has(key as ColoId)) noteSign(key as ColoId, Number(value));
    later(everyMs, () => readSigns(others));
  }

  function noteSign(colo: ColoId, atMs: number): void {
    const first: Copy = { wholeAtMs: atMs, newestAtMs: atMs, steadySinceMs: -steadyAfterMs };
    const copy = copies.get(colo) ?? first;
    if (atMs - copy.newestAtMs > signGapMs) copy.steadySinceMs = clock.monotonicMs();
    copy.newestAtMs = atMs;
    if (clock.monotonicMs() - copy.steadySinceMs >= steadyAfterMs) copy.wholeAtMs = atMs;
    copies.set(colo, copy);
  }

  async function look(colo: ColoId): Promise<void> {
    const pulse = await pulseOf(colo);
    const known = all.get(colo);
    const stands = known !== undefined && (known.pulse === "well") === (pulse === "well");
    const sinceMs = stands ? known.sinceMs : clock.monotonicMs();
    const now: Watched = { pulse, sinceMs, told: known?.told ?? "unsteady" };
    all.set(colo, now);
    const health = healthOf(now);
    if (health !== now.told) {
      now.told = health;
      log.info({ colo, health }, "a colo turned");
      deps.turned(colo);
    }
    later(everyMs, () => look(colo));
  }

  return {
    start() {
      for (const colo of [...colos.keys(), ...(elsewhere?.colos ?? [])]) later(0, () => look(colo));
      if (!elsewhere) return;
      later(0, leaveSign);
      later(0, () => readSigns(elsewhere.colos));
    },
    stop: later.stop,
    healthOf(colo) {
      const known = all.get(colo);
      return known ? healthOf(known) : "unsteady";
    },
    copySeenAtMs: (colo) => copies.get(colo)?.wholeAtMs,
    isReached(colo) {
      if (colos.has(colo)) return true;
      const pulse = all.get(colo)?.pulse;
      return pulse !== undefined && pulse !== "unreachable";
    },
  };
}

/** No brake keeps the colo from making servers, and its store is there to write them down (B11.5). */
export function startsServers({ brakes }: Pick<Colo, "brakes">): boolean {
  const isBraked = brakes.inForce().some(({ operation }) => operation === "create");
  return !isBraked && brakes.ageMs() < unreadMsMax;
}

/** A colo whose nodes cannot read their switch for so long has no store to write in. */
const unreadMsMax = 10_000;
