import { checkAllowance } from "../../core/invariants/check-call.js";
import type { Violation } from "../../core/invariants/violation.js";
import type { OperationClass } from "../../core/model/colo.js";
import type { Clock } from "../../core/ports/clock.js";
import type { Admission } from "../colo/admission.js";

/** Counts the calls to one API that are under way, apart from who lets them begin (I9). */
export interface AllowanceWatch {
  /** Makes the call. `signal` is the call's own: given up, it is under way no more. */
  through<Value>(call: WatchedCall, run: () => Promise<Value>): Promise<Value>;
}

export interface WatchedCall {
  readonly operation: string;
  readonly stops: OperationClass;
  readonly signal: AbortSignal;
}

/**
 * A call that was let through may begin a while later (its intention is written down first), and
 * the allowance may have shrunk by then: what counts is the most that it was in this time.
 */
const graceMs = 120_000;
const dayMs = 24 * 3_600_000;

export function createAllowanceWatch(deps: {
  readonly api: string;
  readonly admission: Pick<Admission, "view"> | undefined;
  readonly clock: Clock;
  readonly report: (found: readonly Violation[]) => void;
}): AllowanceWatch {
  const { api, admission, clock, report } = deps;
  let inFlight = 0;
  /** The most of this span of time and of the one before. */
  let most = { sinceMs: Number.NEGATIVE_INFINITY, now: 0, before: 0 };

  function allowed(inFlightMax: number): number {
    const nowMs = clock.monotonicMs();
    const ageMs = nowMs - most.sinceMs;
    if (ageMs > graceMs)
      most = { sinceMs: nowMs, now: 0, before: ageMs > 2 * graceMs ? 0 : most.now };
    most.now = Math.max(most.now, inFlightMax);
    return Math.max(most.now, most.before);
  }

  function began({ operation, stops }: WatchedCall): void {
    if (!admission) return;
    const { phase, sinceMs, inFlightMax } = admission.view();
    const nowMs = clock.nowMs();
    const found = checkAllowance({
      key: `${api}/${Math.floor(nowMs / dayMs)}`,
      ...{ operation, stops, inFlight, graceMs },
      inFlightMax: allowed(inFlightMax),
      openForMs: phase === "open" ? nowMs - sinceMs : undefined,
    });
    if (found.length > 0) report(found);
  }

  return {
    async through(call, run) {
      inFlight++;
      let isOver = false;
      const over = () => {
        if (isOver) return;
        isOver = true;
        inFlight--;
      };
      began(call);
      call.signal.addEventListener("abort", over, { once: true });
      try {
        return await run();
      } finally {
        call.signal.removeEventListener("abort", over);
        over();
      }
    },
  };
}
