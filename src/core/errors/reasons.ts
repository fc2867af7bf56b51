/**
 * Every reason for which Muster refuses or fails a call. A reason is eternal: callers act on it.
 * `code` names the gRPC status that the server answers with (style: one table, one truth).
 */
export type FaultCode =
  | "invalidArgument"
  | "notFound"
  | "alreadyExists"
  | "failedPrecondition"
  | "aborted"
  | "outOfRange"
  | "resourceExhausted"
  | "unavailable"
  | "deadlineExceeded"
  | "cancelled"
  | "unauthenticated"
  | "permissionDenied"
  | "unimplemented"
  | "internal";

export const reasons = {
  FIELD_INVALID: "invalidArgument",
  PAGE_TOKEN_INVALID: "invalidArgument",
  CURSOR_INVALID: "invalidArgument",
  REQUEST_ID_REUSED: "invalidArgument",
  ACCOUNT_NOT_FOUND: "notFound",
  GROUP_NOT_FOUND: "notFound",
  POLICY_NOT_FOUND: "notFound",
  WEBHOOK_NOT_FOUND: "notFound",
  SCHEDULE_NOT_FOUND: "notFound",
  NOTIFIER_NOT_FOUND: "notFound",
  SERVER_NOT_FOUND: "notFound",
  EVENT_NOT_FOUND: "notFound",
  COLO_NOT_FOUND: "notFound",
  CREDENTIALS_NOT_FOUND: "notFound",
  GROUP_EXISTS: "alreadyExists",
  POLICY_EXISTS: "alreadyExists",
  WEBHOOK_EXISTS: "alreadyExists",
  SCHEDULE_EXISTS: "alreadyExists",
  NOTIFIER_EXISTS: "alreadyExists",
  SERVER_NOT_OURS: "failedPrecondition",
  SERVER_BOUND: "failedPrecondition",
  SERVER_NOT_AVAILABLE: "failedPrecondition",
  GROUP_NOT_EMPTY: "failedPrecondition",
  NO_ROOM_TO_RETURN: "failedPrecondition",
  NOTHING_HELD: "failedPrecondition",
  NO_WAY_BACK: "failedPrecondition",
  GROUP_DELETING: "failedPrecondition",
  CREDENTIALS_UNREADABLE: "failedPrecondition",
  CREDENTIALS_REFUSED: "failedPrecondition",
  ETAG_MISMATCH: "aborted",
  PLACEMENT_CHANGED: "aborted",
  COMMIT_UNKNOWN: "unavailable",
  CURSOR_EXPIRED: "outOfRange",
  SUBSCRIBER_TOO_SLOW: "resourceExhausted",
  LIMIT_EXCEEDED: "resourceExhausted",
  OVERLOADED: "resourceExhausted",
  STORE_UNAVAILABLE: "unavailable",
  CLOUD_UNAVAILABLE: "unavailable",
  COLO_UNREACHABLE: "unavailable",
  PEER_UNKNOWN: "unavailable",
  SHUTTING_DOWN: "unavailable",
  DEADLINE_EXCEEDED: "deadlineExceeded",
  CANCELLED: "cancelled",
  TOKEN_INVALID: "unauthenticated",
  PERMISSION_MISSING: "permissionDenied",
  UNSUPPORTED: "unimplemented",
  DRIVER_REFUSED: "failedPrecondition",
  CONFIG_INVALID: "invalidArgument",
  INTERNAL: "internal",
} as const satisfies Record<string, FaultCode>;

export type Reason = keyof typeof reasons;
