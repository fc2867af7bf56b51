/** Why something was decided, as data: the rule, a stable code, and the numbers that decided. */
export interface Cause {
  /** The rule of behaviour.md, e.g. `B2.5`. */
  readonly rule: string;
  readonly code: CauseCode;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

export type CauseCode =
  | "APPLIED"
  | "CONDITION"
  | "CLAMPED_TO_MAX"
  | "CLAMPED_TO_MIN"
  | "ALREADY_THERE"
  | "COOLDOWN_POLICY"
  | "COOLDOWN_GROUP"
  | "DEBOUNCED"
  | "PAUSED"
  | "DELETING"
  | "POLICY_GONE"
  | "HOLDING"
  | "ALERT_STATE"
  | "ALERT_NOT_ENTERED"
  | "DATA_MISSING"
  | "DEMAND_UNANSWERED"
  | "REPEATS_EXHAUSTED"
  | "FORCED"
  | "PLACEMENT_UNDELIVERED"
  | "LIMITS_MOVED_TARGET"
  | "SHORTAGE"
  | "SURPLUS"
  | "BUILD_ERROR"
  | "BUILD_TIMEOUT"
  | "CLOUD_ERROR"
  | "CLOUD_GONE"
  | "STOPPED"
  | "STATUS_UNHEARD_OF"
  | "WAIT_EXPIRED"
  | "BACKOFF"
  | "QUOTA"
  | "NO_CAPACITY"
  | "LISTING_PARTIAL"
  | "LISTING_SUSPECT"
  | "BRAKED"
  | "CLOUD_BUSY"
  | "ANSWER_LOST"
  | "ABANDONED"
  | "LATE_SURPLUS"
  | "FOREIGN"
  | "PROTECTED"
  | "LOAD_BALANCER_GONE"
  | "ADDRESS_UNKNOWN"
  | "REQUESTED"
  | "WITHDRAWN"
  | "LAUNCH_WAITS"
  | "UNHEALTHY_BRAKE"
  | "COLO_UNHEALTHY"
  | "ACCOUNT_MISSING"
  | "LOSSES_RAMPED"
  | "SUSPECTED"
  | "HOST_DOWN"
  | "CREDENTIALS_DENIED"
  | "CREDENTIALS_OTHER_PROJECT"
  | "DELETE_AGED"
  | "INVARIANT"
  | "QUARANTINE"
  | "TAGS_LOST"
  | "TAGS_FOREIGN";

export function cause(rule: string, code: CauseCode, facts: Cause["facts"] = {}): Cause {
  return { rule, code, facts };
}
