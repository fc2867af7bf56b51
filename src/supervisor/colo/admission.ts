import {
  admit,
  createAdmissionState,
  inFlightAllowed,
  rateOf,
  startable,
} from "../../core/admission/admit.js";
import { answered } from "../../core/admission/answer.js";
import type {
  AdmissionLimits,
  AdmissionPhase,
  AdmissionState,
  CallEnd,
  CallOutcome,
  Moment,
} from "../../core/admission/model.js";
import { NotAsked } from "../../core/admission/not-asked.js";
import { type Cause, cause } from "../../core/model/cause.js";
import type { AccountId, ColoId } from "../../core/model/ids.js";
import { sayCause } from "../../core/model/say-cause.js";
import type { Clock, Ids, Timer } from "../../core/ports/clock.js";
import type { Log } from "../../core/ports/log.js";
import { createRoundRobin, type RoundRobin } from "./round-robin.js";

/** The APIs of a colo: each is as healthy as it is. */
export type Api = "cloud" | "loadBalancer";

/** In this order calls begin: reads before changes, deletes and people's wishes before the rest. */
export const callClasses = ["read", "delete", "urgent", "change"] as const;
export type CallClass = (typeof callClasses)[number];

/**
 * Lets calls to one API of the colo begin, no more than it can bear (B9.4). What exceeds the
 * allowance waits: by class, accounts taking turns.
 */
export interface Admission {
  /** @throws NotAsked when it waited too long. */
  enter(ask: Ask): Promise<Ticket>;
  /** The colo's queue: it is asked for its next step whenever a call may begin. */
  feedFrom(source: Source): void;
  /** The source has something new. */
  stir(): void;
  /** About how many calls may begin within the time. */
  startable(withinMs: number): number;
  /** Why calls are held back; undefined: they are not. */
  busy(): Cause | undefined;
  view(): AdmissionView;
}

export interface Ask {
  readonly class: CallClass;
  readonly account: AccountId;
  readonly waitMsMax: number;
  readonly signal: AbortSignal;
}

/** The right to make one call. Its first end counts. */
export interface Ticket {
  end(end: CallEnd): void;
  /** No call was made. */
  drop(): void;
}

export interface Source {
  /** Whether something of the class could start now. */
  has(one: CallClass): boolean;
  /** Starts the next of a class of which it has something. */
  start(one: CallClass, ticket: Ticket): void;
  /** The allowance may have moved. */
  moved(): void;
}

/** The controller as people see it. Wall times. */
export interface AdmissionView {
  readonly api: Api;
  readonly phase: AdmissionPhase;
  readonly sinceMs: number;
  readonly inFlight: number;
  /** Given up unanswered, and taken to be at work in the cloud still. */
  readonly unanswered: number;
  readonly inFlightMax: number;
  /** Undefined: bounded by calls in flight alone. */
  readonly perSecondMax: number | undefined;
  /** This node's share of the colo's allowance. */
  readonly share: number;
  /** When the next probe or call may begin; undefined: at once, or after an answer. */
  readonly notBeforeMs: number | undefined;
  readonly lastFault:
    | {
        readonly atMs: number;
        readonly outcome: CallOutcome;
        readonly operation: string;
        readonly message: string;
      }
    | undefined;
  /** Calls that wait here, by class; those of the queue not included. */
  readonly waiting: Readonly<Record<CallClass, number>>;
  readonly oldestWaitMs: number;
}

interface Waiter {
  readonly key: string;
  readonly account: AccountId;
  readonly sinceMs: number;
  begin(ticket: Ticket): void;
}

const waitingMax = 10_000;
/** So many reads may pass in a row while a change waits. */
const readsInRowMax = 3;

export function createAdmission(deps: {
  readonly api: Api;
  readonly colo: ColoId;
  readonly limits: AdmissionLimits;
  /** This node's share of the colo, in (0, 1]. */
  readonly share: () => number;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Admission {
  const { api, colo, limits, share, clock, ids, log, signal } = deps;
  const lanes = new Map<CallClass, RoundRobin<Waiter>>(
    callClasses.map((one) => [one, createRoundRobin<Waiter>()]),
  );
  let state: AdmissionState = createAdmissionState(limits, clock.monotonicMs());
  let source: Source | undefined;
  let timer: Timer | undefined;
  let pumping = false;
  let asks = 0;
  /** Wall time, of the newest stop. */
  let stoppedAtMs = 0;
  let readsInRow = 0;
  signal.addEventListener("abort", () => timer?.cancel(), { once: true });

  const moment = (): Moment => ({
    nowMs: clock.monotonicMs(),
    share: share(),
    // Drawn only where it is used.
    get random() {
      return ids.random();
    },
  });
  const lane = (one: CallClass) => lanes.get(one)!;
  const waiting = () => callClasses.reduce((sum, one) => sum + lane(one).size, 0);

  function pickClass(): { readonly class: CallClass; readonly isQueued: boolean } | undefined {
    const found = callClasses
      .filter((one) => lane(one).size > 0 || source?.has(one))
      .map((one) => ({ class: one, isQueued: lane(one).size === 0 }));
    const first = found[0];
    if (first?.class !== "read" || found.length === 1) return first;
    // Reads come first, but not for ever.
    return readsInRow < readsInRowMax ? first : found[1];
  }

  function pump(): void {
    if (pumping || signal.aborted) return;
    pumping = true;
    try {
      for (let picked = pickClass(); picked; picked = pickClass()) {
        const admitted = admit(state, moment());
        if (admitted.kind === "wait") {
          waitUntil(admitted.untilMs);
          return;
        }
        become(admitted.state);
        readsInRow = picked.class === "read" ? readsInRow + 1 : 0;
        const ticket = createTicket();
        if (picked.isQueued) source!.start(picked.class, ticket);
        else lane(picked.class).next()!.begin(ticket);
      }
    } finally {
      pumping = false;
    }
  }

  function waitUntil(untilMs: number | undefined): void {
    timer?.cancel();
    timer = undefined;
    if (untilMs === undefined) return;
    const delayMs = Math.max(1, Math.ceil(untilMs - clock.monotonicMs()));
    timer = clock.after(delayMs, () => {
      timer = undefined;
      pump();
      source?.moved();
    });
  }

  function become(next: AdmissionState): void {
    const before = state.phase;
    state = next;
    if (isStopped(next.phase) && !isStopped(before)) stoppedAtMs = clock.nowMs();
    const quiet = before === next.phase || next.phase === "probing" || before === "probing";
    if (quiet && !(before === "probing" && next.phase === "ramping")) return;
    const fault = next.lastFault?.message;
    const fields = { colo, api, phase: next.phase, ...(fault ? { fault } : {}) };
    if (next.phase === "open") log.warn(fields, "calls are stopped but for a probe");
    else log.info(fields, "calls go on");
  }

  function createTicket(): Ticket {
    let isOver = false;
    const over = (end: CallEnd) => {
      if (isOver) return;
      isOver = true;
      become(answered(state, limits, end, moment()));
      pump();
      source?.moved();
    };
    return {
      end: over,
      drop: () => over({ operation: "", outcome: "dropped", startedMs: clock.monotonicMs() }),
    };
  }

  function busy(): Cause | undefined {
    const { phase, perSecond, window, lastFault } = state;
    const isFree = phase === "closed" && perSecond === undefined;
    if (isFree && window >= limits.inFlightMax / 2) return undefined;
    const fault = lastFault ? { fault: lastFault.message } : {};
    if (isStopped(phase)) return cause("B9.4", "CLOUD_BUSY", { api, stoppedAtMs, ...fault });
    // Coarse, so that a condition that says it is not written again with every call.
    const rate = perSecond === undefined ? {} : { perSecond: coarse(perSecond) };
    return cause("B9.4", "CLOUD_BUSY", { api, inFlight: coarse(window), ...rate, ...fault });
  }

  return {
    enter(ask) {
      if (waiting() >= waitingMax) return Promise.reject(tooBusy("too many calls wait already"));
      return new Promise((resolve, reject) => {
        const key = String(++asks);
        const left = () => {
          expiry.cancel();
          ask.signal.removeEventListener("abort", left);
          if (lane(ask.class).remove(key)) reject(tooBusy("it was not its turn in time"));
        };
        const expiry = clock.after(ask.waitMsMax, left);
        ask.signal.addEventListener("abort", left, { once: true });
        lane(ask.class).push({
          ...{ key, account: ask.account, sinceMs: clock.monotonicMs() },
          begin(ticket) {
            expiry.cancel();
            ask.signal.removeEventListener("abort", left);
            resolve(ticket);
          },
        });
        if (ask.signal.aborted) left();
        pump();
      });
    },
    feedFrom(one) {
      source = one;
    },
    stir: pump,
    startable: (withinMs) => startable(state, moment(), withinMs),
    busy,
    view: () => viewOf(),
  };

  function tooBusy(why: string): NotAsked {
    const held = busy() ?? cause("B9.4", "CLOUD_BUSY", { api });
    return new NotAsked(`not asked, ${why}: ${sayCause(held)}`, held);
  }

  function viewOf(): AdmissionView {
    const nowMs = clock.monotonicMs();
    const wall = (atMs: number) => clock.nowMs() - (nowMs - atMs);
    const { lastFault, notBeforeMs } = state;
    const part = share();
    const oldest = callClasses.flatMap((one) => lane(one).peek()?.sinceMs ?? []);
    return {
      api,
      phase: state.phase,
      sinceMs: wall(state.sinceMs),
      inFlight: state.inFlight,
      unanswered: state.left.filter((one) => one.untilMs > nowMs).length,
      inFlightMax: inFlightAllowed(state, part),
      perSecondMax: rateOf(state, part),
      share: part,
      notBeforeMs: notBeforeMs > nowMs ? wall(notBeforeMs) : undefined,
      lastFault: lastFault && { ...lastFault, atMs: wall(lastFault.atMs) },
      waiting: {
        read: lane("read").size,
        delete: lane("delete").size,
        urgent: lane("urgent").size,
        change: lane("change").size,
      },
      oldestWaitMs: oldest.length === 0 ? 0 : nowMs - Math.min(...oldest),
    };
  }
}

function isStopped(phase: AdmissionPhase): boolean {
  return phase === "open" || phase === "probing";
}

/** The power of two below, or the first digit of what is less than one. */
function coarse(value: number): number {
  if (value >= 1) return 2 ** Math.floor(Math.log2(value));
  return Number(value.toPrecision(1));
}
