import { OutsideFault } from "../../../core/errors/outside-fault.js";
import type { Clock, Timer } from "../../../core/ports/clock.js";
import type { Operation } from "../faults.js";
import { createAgenda } from "./agenda.js";
import { type Condition, createStation, healthy, type Job } from "./station.js";
import { createTallies, type Second } from "./tally.js";
import { startTenants, type TenantDemand } from "./tenants.js";

/** A cloud that can do only so much. */
export interface Capacity {
  readonly workers: number;
  /** How long an ordinary request, and each of the tenants', takes a worker on average. */
  readonly serviceMs: number;
  /** Operations that take longer or shorter. */
  readonly operationMs?: Readonly<Partial<Record<Operation, number>>>;
  /** Beyond so many that wait, requests are refused. */
  readonly queueMax: number;
  /** 429, or 503. */
  readonly refuseWith: "throttled" | "temporary";
  readonly retryAfterMs?: number;
  readonly tenants?: TenantDemand;
}

/** The way into such a cloud, for its own callers and for the tenants that share it. */
export interface Front {
  /**
   * Resolves when a worker has spent its time on the request, whether or not anybody waits for it
   * any more; what then happens, happens. @throws OutsideFault when it is refused.
   */
  enter(operation: Operation, signal: AbortSignal): Promise<"served" | "failed">;
  /** From now on. What is not named is well. */
  setCondition(change: Partial<Condition>): void;
  /** Whole seconds until now. */
  seconds(): readonly Second[];
  close(): void;
}

/**
 * Opens it. Between the calls of its own callers it needs no timers: what the tenants did meanwhile
 * is worked out when somebody asks. Same seed, same calls, same story.
 */
export function createFront(
  capacity: Capacity,
  { clock, fork }: { readonly clock: Clock; readonly fork: (label: string) => () => number },
): Front {
  const startMs = clock.monotonicMs();
  const nowMs = () => clock.monotonicMs() - startMs;
  const agenda = createAgenda();
  const tallies = createTallies();
  const station = createStation(capacity, agenda, tallies);
  const luck = fork("capacity luck");
  if (capacity.tenants) {
    const demand = { ...capacity.tenants, serviceMs: capacity.serviceMs };
    startTenants(demand, { agenda, station, tallies, random: fork("capacity tenants") });
  }
  let waiting = 0;
  let timer: Timer | undefined;

  function catchUp(): number {
    const untilMs = nowMs();
    for (let next = agenda.nextAtMs(); next !== undefined && next <= untilMs; ) {
      agenda.take()?.run();
      next = agenda.nextAtMs();
    }
    return untilMs;
  }

  function arm(): void {
    timer?.cancel();
    const next = agenda.nextAtMs();
    if (waiting === 0 || next === undefined) return;
    // A whole ms at least: a clock since the epoch cannot tell smaller steps apart.
    timer = clock.after(Math.max(1, Math.ceil(next - nowMs())), () => {
      catchUp();
      arm();
    });
  }

  function refusal(operation: Operation): OutsideFault {
    const { refuseWith, retryAfterMs } = capacity;
    const detail = retryAfterMs === undefined ? {} : { retryAfterMs };
    const said = refuseWith === "throttled" ? "429 too many requests" : "503 service unavailable";
    return new OutsideFault(refuseWith, `${operation}: ${said}`, detail);
  }

  return {
    async enter(operation, signal) {
      const atMs = catchUp();
      const outcome = await new Promise<"served" | "failed">((resolve, reject) => {
        const job: Job = {
          party: "ours",
          serviceMs: capacity.operationMs?.[operation] ?? capacity.serviceMs,
          luck: luck(),
          isWanted: () => !signal.aborted,
          done(ended) {
            waiting -= 1;
            resolve(ended);
          },
        };
        if (!station.enter(job, atMs)) return reject(refusal(operation));
        waiting += 1;
        arm();
      });
      return outcome;
    },
    setCondition(change) {
      station.change({ ...healthy, ...change }, catchUp());
      arm();
    },
    seconds: () => tallies.seconds(catchUp()),
    close: () => timer?.cancel(),
  };
}

/**
 * Passes a call through the front: its work is done when a worker has had its time, though the
 * caller may have given up by then and is told so at once.
 */
export async function serveThrough<Answer>(
  front: Front,
  operation: Operation,
  signal: AbortSignal,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const served = front.enter(operation, signal).then((outcome) => {
    if (outcome === "served") return work();
    throw new OutsideFault("temporary", "500 internal error", { ambiguous: true });
  });
  let stopListening = () => {};
  const gaveUp = new Promise<never>((_resolve, reject) => {
    const abort = () =>
      reject(new OutsideFault("temporary", "gave up waiting", { ambiguous: true }));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    stopListening = () => signal.removeEventListener("abort", abort);
  });
  try {
    return await Promise.race([served, gaveUp]);
  } finally {
    stopListening();
  }
}
