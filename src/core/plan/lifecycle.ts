import type { Cause } from "../model/cause.js";
import type { CloudServer, ServerRow, ServerState } from "../model/server.js";

/**
 * A server's life, every transition by name. Whoever changes a row's state goes through `move`, so
 * a life that this table does not allow cannot be written down.
 */
const transitions = {
  /** The create was answered, or the server was found by its tag. */
  bind: { from: ["intended", "unconfirmed", "abandoned"], to: "building" },
  /** The create's answer was lost, or the node that asked is gone. */
  lose: { from: ["intended"], to: "unconfirmed" },
  /** Nothing was found until the deadline and the worst listing lag had passed. */
  abandon: { from: ["unconfirmed"], to: "abandoned" },
  /** The cloud says ACTIVE. */
  activate: { from: ["building"], to: "launching" },
  /** Attached and healthy. */
  serve: { from: ["launching"], to: "inService" },
  /** A person takes it out of service and keeps it (B8.1). */
  standBy: { from: ["inService"], to: "standingBy" },
  /** It comes back as after a boot: attached, and waited for until it is healthy. */
  recall: { from: ["standingBy"], to: "launching" },
  /** Chosen to leave; takes no new connections. */
  drain: { from: ["launching", "inService", "standingBy"], to: "draining" },
  /** Demand came back before it was deleted (B5.3). */
  return: { from: ["draining"], to: "inService" },
  /** No membership is left; deleted until the cloud says 404. */
  delete: {
    from: ["building", "launching", "inService", "standingBy", "draining", "abandoned"],
    to: "deleting",
  },
  /** A person lets go of it: it is never deleted by us after that (B8.1). */
  release: {
    from: ["building", "launching", "inService", "standingBy", "draining", "deleting"],
    to: "releasing",
  },
  /** The cloud confirmed its end, or that it never was; or it was released. */
  end: {
    from: [
      "intended",
      "unconfirmed",
      "abandoned",
      "building",
      "launching",
      "inService",
      "standingBy",
      "draining",
      "deleting",
      "releasing",
    ],
    to: "gone",
  },
} as const satisfies Record<string, { from: readonly ServerState[]; to: ServerState }>;

export type TransitionName = keyof typeof transitions;

export function mayMove(state: ServerState, name: TransitionName): boolean {
  const from: readonly ServerState[] = transitions[name].from;
  return from.includes(state);
}

/** The row after the transition. @throws Error when the table does not allow it: a bug of ours. */
export function move(
  row: ServerRow,
  name: TransitionName,
  nowMs: number,
  change: Partial<Omit<ServerRow, "id" | "state" | "sinceMs">> = {},
): ServerRow {
  if (!mayMove(row.state, name)) throw new Error(`server ${row.id}: ${name} from ${row.state}`);
  return { ...row, ...change, state: transitions[name].to, sinceMs: nowMs };
}

/** The row, bound to the cloud's server. */
export function bind(row: ServerRow, server: CloudServer, nowMs: number): ServerRow {
  return withCloud(move(row, "bind", nowMs, { cloudId: server.id }), server, nowMs);
}

/** The row on its way out for a reason; it keeps the first one. */
export function leave(
  row: ServerRow,
  name: "drain" | "delete",
  leaving: Cause,
  nowMs: number,
): ServerRow {
  const since = name === "drain" ? { drainingSinceMs: nowMs } : { deletingSinceMs: nowMs };
  return move(row, name, nowMs, { leaving: row.leaving ?? leaving, ...since });
}

/** The row with what the cloud last said of the server. The same object when nothing changed. */
export function withCloud(row: ServerRow, server: CloudServer, nowMs: number): ServerRow {
  const address = server.address ?? row.address;
  const same =
    row.missingSinceMs === undefined &&
    row.cloudStatus === server.status &&
    row.address?.host === address?.host &&
    row.address?.port === address?.port &&
    (server.fault === undefined || row.fault === server.fault);
  if (same) return row;
  const { missingSinceMs: _found, ...rest } = row;
  return {
    ...rest,
    cloudStatus: server.status,
    cloudStatusSinceMs:
      row.cloudStatus === server.status ? (row.cloudStatusSinceMs ?? nowMs) : nowMs,
    ...(address ? { address } : {}),
    ...(server.fault === undefined ? {} : { fault: server.fault }),
  };
}

/** Asked for and not yet in service. */
export function isPending(row: ServerRow): boolean {
  switch (row.state) {
    case "intended":
    case "unconfirmed":
    case "building":
    case "launching":
      return true;
    default:
      return false;
  }
}

/** Counts toward the target: in service or on its way (B4.1). */
export function isCounted(row: ServerRow): boolean {
  return row.state === "inService" || isPending(row);
}

/** The placement's own, and not on its way out: it counts, or stands by (B8.1). */
export function isKept(row: ServerRow): boolean {
  return isCounted(row) || row.state === "standingBy";
}

/**
 * Adopted, and yet to serve: it was alive before it came here, so that nothing that it fails at
 * here is a failed build. It waits for a person instead (B8.1).
 */
export function isArriving(row: ServerRow): boolean {
  return row.adoptedAtMs !== undefined && (row.state === "building" || row.state === "launching");
}

export function isLeaving(row: ServerRow): boolean {
  return row.state === "draining" || row.state === "deleting" || row.state === "releasing";
}
