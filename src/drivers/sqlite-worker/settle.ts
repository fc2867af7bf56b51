import { Fault } from "../../core/errors/fault.js";
import type { Call } from "../../core/ports/call.js";
import { abortedFault } from "../store-rules/aborted.js";
import type { FaultText, Outcome } from "./protocol.js";

export interface Ask {
  readonly call: Call;
  /** Roughly what the request weighs; keeps batches small. */
  readonly bytes?: number;
  /** For changes whose repetition does harm: made when their effect is not known. */
  readonly unknownFault?: (cause: unknown) => Fault;
}

/** The one who asked, and how to answer. */
export interface Caller {
  readonly ask: Ask;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Answers the caller with what the worker said. */
export function settle(caller: Caller, outcome: Outcome<unknown>): void {
  if (outcome.kind === "done") caller.resolve(outcome.value);
  else caller.reject(errorOf(caller, outcome));
}

function errorOf(caller: Caller, outcome: Exclude<Outcome<unknown>, { kind: "done" }>): Error {
  switch (outcome.kind) {
    case "refused":
      return faultOf(outcome.fault);
    case "unavailable":
      return unavailableFault(outcome.message);
    case "unknown":
      return lostFault(caller, new Error(outcome.message));
    case "bug":
      return new Error(outcome.message, { cause: outcome.stack });
    default:
      return outcome satisfies never;
  }
}

/** The answer will not come any more. */
export function lostFault({ ask }: Caller, cause: Error): Fault {
  return ask.unknownFault?.(cause) ?? unavailableFault(cause.message);
}

export function unavailableFault(detail: string): Fault {
  const cause = new Error(detail);
  return new Fault("STORE_UNAVAILABLE", { say: "the store cannot be reached", cause });
}

/** The caller gave up; once the request was sent, a change may still take effect. */
export function abortFault({ ask }: Caller, wasSent: boolean): Fault {
  const aborted = abortedFault(ask.call.signal);
  return wasSent && ask.unknownFault ? ask.unknownFault(aborted) : aborted;
}

export function faultOf({ reason, say, facts }: FaultText): Fault {
  return new Fault(reason, { say, facts });
}
