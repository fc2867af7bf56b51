import type { Health } from "./health.js";

export interface Candidate {
  readonly draining: boolean;
  readonly health: Health;
  /** Was a member before this process started: served at once, until its first check. */
  readonly restored: boolean;
}

/**
 * The members that may take a new connection. Without checks: all that do not drain. With checks,
 * a member must first have passed one. When none is healthy, those that once were are tried all
 * the same (fail open): a check that errs must not turn a slow service into none, and a member
 * that is really dead refuses the connection, which then passes on. Those that never passed a
 * check stay out.
 */
export function candidatesOf<T extends Candidate>(members: Iterable<T>, checks: boolean): T[] {
  const ready = [...members].filter((member) => !member.draining);
  if (!checks) return ready;
  const good = ready.filter(isGood);
  return good.length > 0 ? good : ready.filter((member) => member.health.proven);
}

function isGood({ health, restored }: Candidate): boolean {
  return health.state === "healthy" || (restored && health.state === "unknown");
}
