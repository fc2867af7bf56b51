import { OutsideFault } from "../core/errors/outside-fault.js";
import type { Clock } from "../core/ports/clock.js";

/**
 * Runs a call to the outside with a deadline. A call that runs over it is aborted and answered as
 * ambiguous: it may have happened all the same (B4.5, B4.11).
 */
export async function withDeadline<Value>(
  clock: Clock,
  limit: { readonly deadlineMs: number; readonly signal: AbortSignal },
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  if (limit.signal.aborted) abort();
  limit.signal.addEventListener("abort", abort, { once: true });
  let stopWaiting: (fault: OutsideFault) => void = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    stopWaiting = reject;
  });
  const timer = clock.after(limit.deadlineMs, () => {
    controller.abort();
    const message = `no answer within ${limit.deadlineMs} ms`;
    stopWaiting(new OutsideFault("temporary", message, { ambiguous: true }));
  });
  try {
    return await Promise.race([run(controller.signal), late]);
  } finally {
    timer.cancel();
    limit.signal.removeEventListener("abort", abort);
  }
}
