import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.js";

/** A failed call in plain data. Programs act on `reason`, or on `code` where there is none. */
export interface ExplainedError {
  /** As gRPC writes it, e.g. `NOT_FOUND`. */
  readonly code: string;
  /** Muster's own reason, e.g. `GROUP_NOT_FOUND`; undefined when the error is not Muster's. */
  readonly reason: string | undefined;
  /** As a sentence. */
  readonly message: string;
  /** The facts behind the reason, with units in their names. */
  readonly facts: Readonly<Record<string, string>>;
  /** Every violated field, exceeded quota and failed precondition. */
  readonly violations: readonly Violation[];
  /** When asking again may help; undefined when the server did not say. */
  readonly retryAfterMs: number | undefined;
}

export interface Violation {
  /** Path of the field in the request, or whose quota or condition it is. */
  readonly field: string;
  readonly description: string;
}

/** Reads whatever a call threw, over any transport. Never throws itself. */
export function explainError(error: unknown): ExplainedError {
  const failed = ConnectError.from(error);
  const info = failed.findDetails(ErrorInfoSchema)[0];
  const delay = failed.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: codeWord(failed.code),
    reason: info?.reason,
    message: failed.rawMessage,
    facts: { ...info?.metadata },
    violations: violationsOf(failed),
    retryAfterMs: delay === undefined ? undefined : durationMs(delay),
  };
}

function violationsOf(failed: ConnectError): readonly Violation[] {
  const fields = failed.findDetails(BadRequestSchema).flatMap((one) => one.fieldViolations);
  const quotas = failed.findDetails(QuotaFailureSchema).flatMap((one) => one.violations);
  const states = failed.findDetails(PreconditionFailureSchema).flatMap((one) => one.violations);
  return [
    ...fields.map(({ field, description }) => ({ field, description })),
    ...[...quotas, ...states].map(({ subject, description }) => ({ field: subject, description })),
  ];
}

/** `FailedPrecondition` as `FAILED_PRECONDITION`; gRPC spells this one with two L. */
function codeWord(code: Code): string {
  if (code === Code.Canceled) return "CANCELLED";
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}
