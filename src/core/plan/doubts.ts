import type { Cause } from "../model/cause.js";
import type { Observation, PlanLimits } from "../model/observation.js";
import type { CloudServer, ServerRow } from "../model/server.js";
import { illnessOf } from "./judge-bound.js";
import type { Sheet } from "./sheet.js";

/** Servers of which the listing alone says too little: each is asked for directly (B4.3, B9.2). */
export interface Doubts {
  /** The listing lacks them. */
  readonly missing: ReadonlySet<ServerRow>;
  /** It has them in ERROR, or on a host that is down, though they were in service. */
  readonly ill: ReadonlyMap<ServerRow, Cause>;
  /** It lacks some that are too young for it. */
  readonly isYoung: boolean;
}

const none: Doubts = { missing: new Set(), ill: new Map(), isYoung: false };

export function doubtsOf(
  { cloud, rows }: Observation,
  byId: ReadonlyMap<string, CloudServer>,
  limits: PlanLimits,
): Doubts {
  if (cloud.kind !== "listed") return none;
  const missing = new Set<ServerRow>();
  const ill = new Map<ServerRow, Cause>();
  let isYoung = false;
  for (const row of rows) {
    // Of those that are being deleted or released their own steps ask.
    const isOnItsOwn = row.state === "deleting" || row.state === "releasing";
    if (row.cloudId === undefined || isOnItsOwn) continue;
    const listed = byId.get(row.cloudId);
    if (!listed) {
      const seenFromMs = row.state === "building" ? row.sinceMs : row.createdAtMs;
      if (cloud.askedAtMs < seenFromMs + limits.listingLagMs) isYoung = true;
      else missing.add(row);
      continue;
    }
    const why = row.state === "inService" ? illnessOf(row, listed) : undefined;
    if (why) ill.set(row, why);
  }
  return { missing, ill, isYoung };
}

/** Looks up what is newly missing, and of the rest as many as could be given up now. */
export function askFor(sheet: Sheet, { missing, ill }: Doubts, room: number): void {
  const { cloud } = sheet.seen;
  if (cloud.kind !== "listed") return;
  let left = room;
  const ask = (row: ServerRow) => {
    if (row.cloudId !== undefined && !cloud.lookedUp.has(row.cloudId)) sheet.lookUp(row.cloudId);
  };
  for (const row of missing) if (row.missingSinceMs === undefined || left-- > 0) ask(row);
  for (const row of ill.keys()) if (left-- > 0) ask(row);
}
