import { Fault } from "../core/errors/fault.js";

/**
 * A repeat of a request must ask the same as the first time (B1.3, B3.1).
 * @throws Fault `REQUEST_ID_REUSED`
 */
export function checkFingerprint(stored: { readonly fingerprint: string }, asked: string): void {
  if (stored.fingerprint === asked) return;
  throw new Fault("REQUEST_ID_REUSED", {
    say: "this request_id was used for another request within the last 24 hours",
    violations: [{ field: "request_id", description: "was used for another request" }],
  });
}
