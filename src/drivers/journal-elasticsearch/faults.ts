import { Fault } from "../../core/errors/fault.js";

/** @param cause what the cluster or the way to it said, where it said something */
export function journalUnavailable(say: string, cause?: unknown): Fault {
  return new Fault("STORE_UNAVAILABLE", { say, cause });
}
