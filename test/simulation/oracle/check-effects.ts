import type { CommitSeen, Ledger } from "../../../src/core/invariants/ledger.js";
import { type Violation, violation } from "../../../src/core/invariants/violation.js";
import type { CloudServerId, ServerId } from "../../../src/core/model/ids.js";
import type { Ownership } from "../../../src/core/model/server.js";
import type { EffectRecord } from "../../../src/drivers/cloud-simulated/index.js";
import type { Cluster } from "../cluster.js";
import type { Ledgers } from "./ledgers.js";

/** Promises about what clouds did, and about rows that end: I1, I2, I5 and I11. */
export function createEffectChecks(of: { readonly cluster: Cluster; readonly ledgers: Ledgers }) {
  const { cluster, ledgers } = of;
  /** By colo and id: servers that a create of ours made, with its intention. */
  const ours = new Map<string, string>();
  const births = new Map<string, number>();
  const adopted = new Set<string>();
  const givenUp = new Set<string>();

  const ledgerOf = (tags: Ownership | undefined): Ledger | undefined =>
    tags && ledgers.placements.get(`${tags.account}/${tags.group}/${tags.colo}`);

  function created(colo: string, { id, intention = "" }: EffectRecord): Violation[] {
    ours.set(`${colo}/${id}`, intention);
    const times = (births.get(intention) ?? 0) + 1;
    births.set(intention, times);
    const facts = { server: intention, cloudId: id, times };
    if (times > 1) return [violation("I5", "B4.5", `${intention}/made twice`, facts)];
    const ledger = ledgerOf(cluster.clouds.get(colo)?.server(id)?.ownership);
    const row = ledger?.servers.get(intention as ServerId);
    // What was given up may come late; then it is found, or reported.
    if (row || givenUp.has(intention)) return [];
    return [violation("I1", "B4.5", `${intention}/made unrecorded`, facts)];
  }

  function deleted(colo: string, { id }: EffectRecord): Violation[] {
    const key = `${colo}/${id}`;
    const tags = cluster.clouds.get(colo)?.server(id)?.ownership;
    const facts = { cloudId: id, server: tags?.server ?? "" };
    const ordered = ledgerOf(tags)?.orphans?.get(id as CloudServerId)?.deleteOrder;
    if (ordered) return [];
    if (!ours.has(key) && !adopted.has(key))
      return [violation("I11", "B9.6", `${key}/foreign deleted`, facts)];
    const row = ledgerOf(tags)?.servers.get((tags?.server ?? "") as ServerId);
    if (row?.state === "deleting" && row.cloudId === id) return [];
    return [violation("I2", "B9.5", `${key}/deleted`, { ...facts, state: row?.state ?? "" })];
  }

  return {
    done: (colo: string, effect: EffectRecord): Violation[] =>
      effect.kind === "created" ? created(colo, effect) : deleted(colo, effect),

    /** A row that ends while its server lives: nobody would ever look after that one again. */
    committed({ before, after, touched, events }: CommitSeen): Violation[] {
      const found: Violation[] = [];
      const { colo } = after.key;
      for (const server of touched) {
        const old = before.servers.get(server);
        const now = after.servers.get(server);
        if (now?.state === "abandoned") givenUp.add(server);
        if (now?.cloudId !== undefined && now.cloudId !== old?.cloudId) {
          const told = events.some((one) => one.server === server && isAdoption(one.type));
          if (told) adopted.add(`${colo}/${now.cloudId}`);
          else if (!ours.has(`${colo}/${now.cloudId}`)) {
            const facts = { server, cloudId: now.cloudId };
            found.push(violation("I11", "B9.6", `${server}/bound to a foreign one`, facts));
          }
        }
        if (!old || now || old.cloudId === undefined) continue;
        const left = cluster.clouds.get(colo)?.server(old.cloudId as CloudServerId);
        const released = events.some((one) => one.server === server && isRelease(one.type));
        if (!left || left.taskState === "deleting" || released) continue;
        const facts = { server, cloudId: old.cloudId, status: left.status };
        found.push(violation("I1", "M6.1", `${server}/forgotten`, facts));
      }
      return found;
    },
    isOurs: (colo: string, id: string) => ours.has(`${colo}/${id}`),
  };
}

function isAdoption(type: string): boolean {
  return type === "server.adopted" || type === "ledger.rebuilt";
}

function isRelease(type: string): boolean {
  return type === "server.released";
}
