import { Fault } from "../core/errors/fault.js";
import type { Receipt } from "../core/model/scale-event.js";
import type { StoredReceipt } from "./placements/placement-state.js";

/** The stored answer again. @throws Fault `REQUEST_ID_REUSED` for another question (B3.1). */
export function receiptOf(stored: StoredReceipt, fingerprint: string): Receipt {
  if (stored.fingerprint === fingerprint) return stored.receipt;
  throw new Fault("REQUEST_ID_REUSED", {
    say: "this request_id was used for another request within the last 24 hours",
    violations: [{ field: "request_id", description: "was used for another request" }],
  });
}
