import type { Cause } from "./cause.js";
import type { ColoId } from "./ids.js";
import type { QuotaRoom } from "./quota.js";

/** Whether a group is going to work, as far as its colos can tell. */
export interface GroupCheck {
  readonly placements: readonly PlacementCheck[];
}

export interface PlacementCheck {
  readonly colo: ColoId;
  /** Servers that it has in the cloud already. */
  readonly servers: number;
  /** Most that it may ever have at once: max, and the surge. */
  readonly serversMax: number;
  /** How many more the account's quota leaves room for; undefined: not told, or unlimited. */
  readonly room?: QuotaRoom;
  /** The gravest first. */
  readonly findings: readonly CheckFinding[];
}

export interface CheckFinding {
  /** The group's own field path, e.g. `placements[0].load_balancers[1].port`; "" for the group. */
  readonly field: string;
  readonly severity: CheckSeverity;
  readonly cause: Cause;
  /** What to do about it. */
  readonly fix: string;
}

/**
 * `problem`: it will not work. `warning`: not now, or not to the full. `unknown`: it could not be
 * asked, which says nothing of the group (B1.5).
 */
export type CheckSeverity = "problem" | "warning" | "unknown";
