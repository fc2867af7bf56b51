import { Fault } from "../core/errors/fault.js";
import type { Clock } from "../core/ports/clock.js";
import type { DrainSwitch } from "./drain-switch.js";

/** The end of a call's patience: its deadline, its client's going, or the server's own end. */
export interface Deadline {
  /** Aborts with the Fault to answer. */
  readonly signal: AbortSignal;
  /** As `work`, but fails at once when the signal aborts. One at a time. */
  race<Value>(work: Promise<Value>): Promise<Value>;
  /** Forgets the timer and the listeners. */
  end(): void;
}

export interface DeadlineOptions {
  readonly clock: Clock;
  /** undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly client: AbortSignal;
  /** Given for calls that a drain must end. */
  readonly drain: DrainSwitch | undefined;
}

export function startDeadline({ clock, timeoutMs, client, drain }: DeadlineOptions): Deadline {
  const controller = new AbortController();
  let fail: ((fault: Fault) => void) | undefined;
  const abort = (fault: Fault) => {
    if (controller.signal.aborted) return;
    controller.abort(fault);
    fail?.(fault);
  };
  const onGone = () => abort(new Fault("CANCELLED", { say: "the caller cancelled the call" }));
  if (client.aborted) onGone();
  else client.addEventListener("abort", onGone, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : clock.after(Math.max(0, timeoutMs), () => abort(deadlineExceeded()));
  const leaveDrain = drain?.onDrain(() => abort(shuttingDown()));
  return {
    signal: controller.signal,
    race(work) {
      if (controller.signal.aborted) {
        work.catch(() => undefined); // Its outcome no longer reaches anybody.
        return Promise.reject(controller.signal.reason);
      }
      return new Promise((resolve, reject) => {
        fail = reject;
        work.then(resolve, reject);
      });
    },
    end() {
      timer?.cancel();
      leaveDrain?.();
      client.removeEventListener("abort", onGone);
    },
  };
}

export function shuttingDown(): Fault {
  return new Fault("SHUTTING_DOWN", { say: "the server is shutting down; call another or again" });
}

function deadlineExceeded(): Fault {
  const say = "the deadline passed; the call has either happened or not: its request_id tells";
  return new Fault("DEADLINE_EXCEEDED", { say });
}
