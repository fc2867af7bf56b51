import type { CloudServerId, ServerId } from "../../model/ids.js";
import type { CloudServer, ServerRow } from "../../model/server.js";
import { isOlder } from "../tags.js";

/** Which of the cloud's servers belongs to which row. */
export interface Matched {
  readonly byId: ReadonlyMap<CloudServerId, CloudServer>;
  /** Servers of intentions that are not bound yet. */
  readonly byIntention: ReadonlyMap<ServerId, CloudServer>;
  readonly unmatched: readonly CloudServer[];
}

/** A bound row's server is the one with its cloud id; an intention's the oldest with its tag. */
export function matchServers(rows: readonly ServerRow[], servers: readonly CloudServer[]): Matched {
  const bound = new Set(rows.map((row) => row.cloudId));
  const open = new Map<string, ServerRow>();
  for (const row of rows) if (row.cloudId === undefined) open.set(row.id, row);
  const byIntention = new Map<ServerId, CloudServer>();
  const free = servers.filter(({ id }) => !bound.has(id));
  for (const server of free) {
    const row = open.get(server.ownership?.server ?? "");
    if (!row || isOlder(server, row)) continue;
    const other = byIntention.get(row.id);
    if (!other || server.createdAtMs < other.createdAtMs) byIntention.set(row.id, server);
  }
  const taken = new Set(byIntention.values());
  return {
    byId: new Map(servers.map((server) => [server.id, server])),
    byIntention,
    unmatched: free.filter((server) => !taken.has(server)),
  };
}
