import { type FaultCode, type Reason, reasons } from "./reasons.js";

/** One violated rule of one field, in the API's own field path (`placements[0].min`). */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface FaultDetail {
  /** May be shown to a tenant. `cause` never is. */
  readonly say: string;
  readonly facts?: Readonly<Record<string, string>>;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * The one error class inside Muster. Anything else that is thrown is a bug or a driver's raw error.
 */
export class Fault extends Error {
  readonly reason: Reason;
  readonly facts: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, detail: FaultDetail) {
    super(detail.say, { cause: detail.cause });
    this.name = "Fault";
    this.reason = reason;
    this.facts = detail.facts ?? {};
    this.violations = detail.violations ?? [];
    this.retryAfterMs = detail.retryAfterMs;
  }

  get code(): FaultCode {
    return reasons[this.reason];
  }
}

export function isFault(error: unknown, reason?: Reason): error is Fault {
  return error instanceof Fault && (reason === undefined || error.reason === reason);
}

/** `CONFIG_INVALID` that names every problem, a line each. */
export function invalidConfig(violations: readonly FieldViolation[]): Fault {
  const say = violations.map(({ field, description }) => `${field}: ${description}`).join("\n");
  return new Fault("CONFIG_INVALID", { say, violations });
}

/** INVALID_ARGUMENT that names every violated field, not only the first (B1.2). */
export function invalidFields(violations: readonly FieldViolation[]): Fault {
  const first = violations[0];
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  const say = first ? `${first.field}: ${first.description}${more}` : "invalid request";
  return new Fault("FIELD_INVALID", { say, violations });
}
