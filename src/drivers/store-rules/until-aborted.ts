import type { Fault } from "../../core/errors/fault.js";
import { abortedFault } from "./aborted.js";
import { onAbort } from "./on-abort.js";

export type AbortedAs = (cause: Fault) => Fault;

/** Ends the waiting when the signal aborts; the work goes on. The signal must not be aborted yet. */
export function untilAborted<Value>(
  work: Promise<Value>,
  signal: AbortSignal,
  abortedAs: AbortedAs = (cause) => cause,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(abortedAs(abortedFault(signal))));
    work.then(resolve, reject).finally(stopListening);
  });
}
