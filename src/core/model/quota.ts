/** One resource of an account's quota, as the cloud counts it: for all that the account has there. */
export interface QuotaLimit {
  /** In the cloud's own words: `instances`, `cores`, `ram`. */
  readonly resource: string;
  readonly limit: number;
  readonly used: number;
  /** What one server of the launch configuration takes of it. */
  readonly perServer: number;
}

/** How many more servers fit, and which resource says so; undefined: nothing bounds them. */
export function roomOf(limits: readonly QuotaLimit[]): QuotaRoom | undefined {
  const rooms = limits
    .filter(({ perServer }) => perServer > 0)
    .map((by) => ({ by, servers: Math.max(0, Math.floor((by.limit - by.used) / by.perServer)) }));
  return rooms.toSorted((one, other) => one.servers - other.servers)[0];
}

export interface QuotaRoom {
  readonly servers: number;
  readonly by: QuotaLimit;
}
