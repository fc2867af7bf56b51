/**
 * What a cloud's or load balancer's error means for us (B4.8); the drivers' `classify` names it.
 */
export type OutsideFaultKind =
  | "throttled"
  | "temporary"
  | "noCapacity"
  | "quota"
  | "badRequest"
  | "notFound"
  | "conflict"
  | "denied"
  | "unknown";

/**
 * Thrown by drivers. `ambiguous` says that the change may have happened all the same (a timeout, a
 * lost connection, a 5xx after the request was sent): such a create is looked up, never repeated
 * (B4.5).
 */
export class OutsideFault extends Error {
  readonly kind: OutsideFaultKind;
  readonly ambiguous: boolean;
  readonly retryAfterMs: number | undefined;
  /** The outside's own id of the request, for its operators. */
  readonly requestId: string | undefined;

  constructor(
    kind: OutsideFaultKind,
    message: string,
    detail: {
      readonly ambiguous?: boolean;
      readonly retryAfterMs?: number;
      readonly requestId?: string;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, { cause: detail.cause });
    this.name = "OutsideFault";
    this.kind = kind;
    this.ambiguous = detail.ambiguous ?? false;
    this.retryAfterMs = detail.retryAfterMs;
    this.requestId = detail.requestId;
  }
}

/** Anything that a driver threw, as an OutsideFault: what is not one is unknown, and ambiguous. */
export function outsideFaultOf(error: unknown): OutsideFault {
  if (error instanceof OutsideFault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new OutsideFault("unknown", message, { ambiguous: true, cause: error });
}
