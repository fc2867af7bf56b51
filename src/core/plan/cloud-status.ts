import type { CloudServer } from "../model/server.js";

/** What a cloud's word for a server's state means for us (B4.2). */
export type StatusMeaning =
  | "available"
  | "building"
  /** Will pass by itself; bounded. */
  | "waiting"
  /** Somebody's doing; left alone and counted. */
  | "leftAlone"
  | "failed"
  /** The machine under it does not answer, whatever its own status says (B9.2). */
  | "hostDown"
  | "stopped"
  /** On its way out, by whoever's hand. */
  | "going"
  /** Never heard of, or the cloud says that it cannot tell: left alone, counted, warned about. */
  | "unknown";

const meanings: Readonly<Record<string, StatusMeaning>> = {
  ACTIVE: "available",
  BUILD: "building",
  HARD_REBOOT: "waiting",
  REBOOT: "waiting",
  MIGRATING: "waiting",
  PASSWORD: "waiting",
  REBUILD: "waiting",
  RESIZE: "waiting",
  REVERT_RESIZE: "waiting",
  RESCUE: "leftAlone",
  VERIFY_RESIZE: "leftAlone",
  SUSPENDED: "leftAlone",
  PAUSED: "leftAlone",
  SHELVED: "leftAlone",
  SHELVED_OFFLOADED: "leftAlone",
  ERROR: "failed",
  SHUTOFF: "stopped",
  DELETED: "going",
  SOFT_DELETED: "going",
};

export function meaningOf(
  server: Pick<CloudServer, "status" | "taskState" | "hostStatus">,
): StatusMeaning {
  if (server.taskState === "deleting") return "going";
  const known = Object.hasOwn(meanings, server.status) ? meanings[server.status]! : "unknown";
  const isOver = known === "going" || known === "failed";
  return server.hostStatus === "DOWN" && !isOver ? "hostDown" : known;
}
