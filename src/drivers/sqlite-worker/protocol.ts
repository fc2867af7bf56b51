import type { Fault } from "../../core/errors/fault.js";
import type { Reason } from "../../core/errors/reasons.js";

/** What one kind of worker understands: by name, what is asked and what is answered. */
export type Operations = Readonly<Record<string, Operation>>;

export interface Operation {
  readonly args: unknown;
  readonly answer: unknown;
}

export interface Request {
  readonly id: number;
  readonly name: string;
  readonly args: unknown;
}

/** A Fault in a form that survives the way between threads. */
export interface FaultText {
  readonly reason: Reason;
  readonly say: string;
  readonly facts: Readonly<Record<string, string>>;
}

export type Outcome<Value> =
  | { readonly kind: "done"; readonly value: Value }
  /** Refused by a rule, before anything was written. */
  | { readonly kind: "refused"; readonly fault: FaultText }
  /** The database could not do it; certainly nothing was written. */
  | { readonly kind: "unavailable"; readonly message: string }
  /** The database failed while it committed: written or not. */
  | { readonly kind: "unknown"; readonly message: string }
  /** A bug, of the caller or ours; nothing was written. */
  | { readonly kind: "bug"; readonly message: string; readonly stack: string };

export interface Answer {
  readonly id: number;
  readonly outcome: Outcome<unknown>;
}

export type ToWorker =
  | { readonly kind: "batch"; readonly requests: readonly Request[] }
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "opened"; readonly sqliteVersion: string }
  | { readonly kind: "notOpened"; readonly fault: FaultText }
  | { readonly kind: "answers"; readonly answers: readonly Answer[] };

export function done<Value>(value: Value): Outcome<Value> {
  return { kind: "done", value };
}

export function refused({ reason, message, facts }: Fault): Outcome<never> {
  return { kind: "refused", fault: { reason, say: message, facts } };
}

/** Handlers check everything before they write: who answers `refused` has changed nothing. */
export type Handlers<Ops extends Operations> = {
  readonly [Name in keyof Ops]: {
    readonly writes: boolean;
    readonly run: (args: Ops[Name]["args"]) => Outcome<Ops[Name]["answer"]>;
  };
};
