import type { CloudServerId, PlacementKey, ServerId } from "../model/ids.js";
import type { OrphanRow } from "../model/orphan.js";
import type { CloudServer, ServerRow } from "../model/server.js";
import { orphansMax } from "./orphans.js";

/** A partition without a placement, and what the cloud has in its name. */
export interface StraysSeen {
  readonly nowMs: number;
  readonly key: PlacementKey;
  readonly rows: ReadonlyMap<ServerId, ServerRow>;
  readonly known: ReadonlyMap<CloudServerId, OrphanRow>;
  /** Of a complete listing: those whose tags name it. */
  readonly listed: readonly CloudServer[];
  readonly lookedUp: ReadonlyMap<CloudServerId, CloudServer | "gone" | "unknown">;
}

/** What is to become of the reports. */
export interface Strays {
  readonly fresh: readonly OrphanRow[];
  readonly gone: readonly CloudServerId[];
}

/** Servers that no row accounts for, though their tags name this placement. */
export function straysIn({ rows, listed }: Pick<StraysSeen, "rows" | "listed">): CloudServer[] {
  const bound = new Set([...rows.values()].map(({ cloudId }) => cloudId));
  return listed.filter(({ id, ownership }) => {
    const row = rows.get((ownership?.server ?? "") as ServerId);
    return !bound.has(id) && !(row && row.cloudId === undefined);
  });
}

/** Whom to ask for directly before anything is said of them: listings lag (B4.3). */
export function askAbout(seen: Omit<StraysSeen, "lookedUp">): readonly CloudServerId[] {
  const strays = straysIn(seen).map(({ id }) => id);
  const there = new Set(strays);
  const missing = [...seen.known.keys()].filter((id) => !there.has(id));
  const room = Math.max(0, orphansMax - (seen.known.size - missing.length));
  return [...missing, ...strays.filter((id) => !seen.known.has(id)).slice(0, room)];
}

/**
 * Servers in the name of a placement that does not exist: a late create of a group that is gone, or
 * copied tags (B9.6). Each is reported once, as long as the list has room, until it is gone.
 */
export function judgeStrays(seen: StraysSeen): Strays {
  const { nowMs, known, lookedUp } = seen;
  const strays = straysIn(seen);
  const there = new Set(strays.map(({ id }) => id));
  const gone = [...known.keys()].filter((id) => {
    if (there.has(id)) return false;
    const found = lookedUp.get(id);
    if (found === undefined || found === "unknown") return false;
    // Bound by now, or its tags are not those that were reported any more.
    return found === "gone" || !isStill(seen, known.get(id)?.claims, found);
  });
  const room = orphansMax - (known.size - gone.length);
  const fresh = strays
    .filter(({ id, ownership }) => {
      const found = lookedUp.get(id);
      return typeof found === "object" && !known.has(id) && isStill(seen, ownership?.server, found);
    })
    .slice(0, Math.max(0, room))
    .map(({ id, name, ownership }): OrphanRow => {
      const claims = ownership?.server ?? "";
      return { cloudId: id, name, firstSeenAtMs: nowMs, claims, why: "noSuchGroup" };
    });
  return { fresh, gone };
}

function isStill(seen: StraysSeen, claims: string | undefined, server: CloudServer): boolean {
  const { account, group, colo } = seen.key;
  const tags = server.ownership;
  const isNamed = tags?.account === account && tags.group === group && tags.colo === colo;
  const isStray = straysIn({ rows: seen.rows, listed: [server] }).length > 0;
  return isNamed && tags.server === claims && isStray;
}
