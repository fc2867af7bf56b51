import { Fault } from "../../core/errors/fault.js";

/**
 * The fault of a caller that no longer waits: DEADLINE_EXCEEDED after a timeout, else CANCELLED.
 */
export function abortedFault(signal: AbortSignal): Fault {
  const cause: unknown = signal.reason;
  const timedOut = cause instanceof Error && cause.name === "TimeoutError";
  return timedOut
    ? new Fault("DEADLINE_EXCEEDED", { say: "the deadline passed before the answer came", cause })
    : new Fault("CANCELLED", { say: "the caller gave up before the answer came", cause });
}

/** Both stores word it alike, so that callers and their tests see no difference. */
export function commitUnknown(partition: string, cause?: unknown): Fault {
  return new Fault("COMMIT_UNKNOWN", {
    say: "it is not known whether the change was committed",
    facts: { partition },
    cause,
  });
}
