import { type CommitSeen, counts, isBound } from "../../../src/core/invariants/ledger.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import { serversWanted } from "../../../src/core/model/carried.js";
import type { CloudServerId } from "../../../src/core/model/ids.js";
import { surgeOf } from "../../../src/core/model/rebuild.js";
import type { ServerRow } from "../../../src/core/model/server.js";
import type { Cluster } from "../cluster.js";
import type { Ledgers } from "./ledgers.js";

/** Creates wait for half a minute; from plan to commit, and between clocks, some of it passes. */
const waitedMs = 20_000;
/** What a node knows of a brake may be so old. */
const brakeMs = 5_000;

/**
 * B9.3 by the clouds' own truth, which no node knows: with servers that are to be deleted and that
 * their cloud was not asked to delete, no intention makes more of them than max and surge.
 */
export function createRoomChecks(of: { readonly cluster: Cluster; readonly ledgers: Ledgers }) {
  const { cluster, ledgers } = of;
  const brakedAtMs = new Map<string, number>();

  function isBraked(colo: string, nowMs: number): boolean {
    const brakes = ledgers.brakes.get(colo) ?? [];
    if (brakes.some(({ operation }) => operation === "delete")) brakedAtMs.set(colo, nowMs);
    return nowMs - (brakedAtMs.get(colo) ?? Number.NEGATIVE_INFINITY) < brakeMs;
  }

  return {
    committed({ before, after, touched }: CommitSeen): Violation[] {
      const { key, doc } = after;
      const nowMs = cluster.clock.nowMs();
      const braked = isBraked(key.colo, nowMs);
      const fresh = touched.find((server) => {
        return after.servers.get(server)?.state === "intended" && !before.servers.has(server);
      });
      if (fresh === undefined || !doc || braked) return [];
      if (doc.quarantine || doc.pausedProcesses?.scaleIn) return [];
      const stands = (row: ServerRow) => {
        const sinceMs = row.deletingSinceMs ?? 0;
        const isRecent = row.state === "deleting" && nowMs - sinceMs < waitedMs;
        if (!isRecent || !isBound(row)) return false;
        const cloud = cluster.clouds.get(key.colo);
        const server = cloud?.server(row.cloudId as CloudServerId);
        if (!server || server.taskState === "deleting") return false;
        // A cloud that takes a delete and forgets it was asked all the same.
        return !cloud!.calls.some(({ operation, subject, answer }) => {
          return operation === "delete" && subject === server.id && answer === "ok";
        });
      };
      const rows = [...after.servers.values()];
      const counted = rows.filter(counts).length;
      const leaving = rows.filter(stands).length;
      const wanted = serversWanted(doc);
      const max = Math.max(doc.max, before.doc?.max ?? 0, wanted + surgeOf(doc, wanted));
      if (leaving === 0 || counted + leaving <= max) return [];
      const facts = { server: fresh, counted, leaving, max };
      return [violation("I3", "B9.3", `${fresh}/beside`, facts)];
    },
  };
}
