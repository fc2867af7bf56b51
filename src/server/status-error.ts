import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import type { Fault } from "../core/errors/fault.js";
import type { FaultCode } from "../core/errors/reasons.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";

/** Domain of every ErrorInfo. */
export const ERROR_DOMAIN = "muster";

/** google.rpc.Code of each fault code. gRPC's and Connect's numbers are the same. */
export const codes = {
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const satisfies Record<FaultCode, number>;

export interface Detail {
  readonly desc: DescMessage;
  readonly value: Message;
}

/** How a call ended that did not succeed, ready for either door. */
export class StatusError extends Error {
  readonly code: number;
  /** ErrorInfo first, then what else the code promises. */
  readonly details: readonly Detail[];

  constructor(code: number, message: string, details: readonly Detail[]) {
    // A lone surrogate would make grpc-js throw while it encodes the trailer.
    super(Buffer.from(message).toString());
    this.name = "StatusError";
    this.code = code;
    this.details = details;
  }
}

/**
 * A fault as callers see it: status, ErrorInfo and the details that its code promises (style §5).
 */
export function statusOfFault(fault: Fault): StatusError {
  const info = errorInfo(fault.reason, fault.facts);
  return new StatusError(codes[fault.code], fault.message, [info, ...detailsOf(fault)]);
}

/** What callers hear of anything unexpected: an id to report, and nothing else. */
export function statusOfIncident(incident: string): StatusError {
  const info = errorInfo("INTERNAL", { incident });
  return new StatusError(codes.internal, `internal error, incident ${incident}`, [info]);
}

/** google.rpc.Status, serialized for `grpc-status-details-bin`. */
export function packStatus(error: StatusError): Uint8Array {
  const details = error.details.map(({ desc, value }) => anyPack(desc, value));
  const status = create(StatusSchema, { code: error.code, message: error.message, details });
  return toBinary(StatusSchema, status);
}

function errorInfo(reason: string, facts: Readonly<Record<string, string>>): Detail {
  const value = create(ErrorInfoSchema, { reason, domain: ERROR_DOMAIN, metadata: { ...facts } });
  return { desc: ErrorInfoSchema, value };
}

function detailsOf(fault: Fault): readonly Detail[] {
  const details: Detail[] = [];
  if (fault.violations.length > 0) {
    const fieldViolations = fault.violations.map((violation) => ({ ...violation }));
    details.push({
      desc: BadRequestSchema,
      value: create(BadRequestSchema, { fieldViolations }),
    });
  }
  if (fault.code === "failedPrecondition") {
    const violation = { type: fault.reason, subject: subjectOf(fault), description: fault.message };
    const value = create(PreconditionFailureSchema, { violations: [violation] });
    details.push({ desc: PreconditionFailureSchema, value });
  }
  if (fault.reason === "LIMIT_EXCEEDED") {
    const violation = { subject: subjectOf(fault), description: fault.message };
    const value = create(QuotaFailureSchema, { violations: [violation] });
    details.push({ desc: QuotaFailureSchema, value });
  }
  if (fault.retryAfterMs !== undefined || healsWithTime(fault)) {
    const retryDelay = durationFromMs(fault.retryAfterMs ?? RETRY_DELAY_MS_DEFAULT);
    details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
  }
  return details;
}

/** What is unavailable or overloaded passes; a quota or a state does not pass by itself. */
function healsWithTime({ code, reason }: Fault): boolean {
  if (code === "resourceExhausted") return reason !== "LIMIT_EXCEEDED";
  return code === "unavailable";
}

/** Told to callers of what passes after an unknown time. */
const RETRY_DELAY_MS_DEFAULT = 1_000;

function subjectOf({ facts }: Fault): string {
  return facts["resource"] ?? facts["subject"] ?? "";
}
