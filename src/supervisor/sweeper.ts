import type { AccountId, ColoId, GroupId, PlacementKey } from "../core/model/ids.js";
import type { CloudServer } from "../core/model/server.js";
import { orphanCause } from "../core/plan/orphans.js";
import { askAbout, judgeStrays, straysIn } from "../core/plan/strays.js";
import type { Colo } from "./colo/colo.js";
import type { Context } from "./context.js";
import { eyesOf, lookUp } from "./converge/observe.js";
import type { AccountListing } from "./converge/watch.js";
import { createLater } from "./later.js";
import {
  accountHint,
  accountIndex,
  orphanHint,
  orphanIndex,
  placementIndex,
  placementOfHint,
} from "./placements/hints.js";

/**
 * Finds servers of ours that no placement looks for: of each account that ever had a placement in a
 * colo, whatever carries the name of one that does not exist is reported (B9.6, M6.1).
 */
export interface Sweeper {
  start(): void;
  stop(): void;
  /** By colo: how many the last sweep of each of this node's accounts counted. */
  strays(): ReadonlyMap<ColoId, number>;
}

/** Every account is swept once in this time. */
const roundMs = 300_000;
const beginMs = 1_000;
const pageMax = 500;
const pagesMax = 200;
/** What was listed for the account's groups not longer ago does; else it is listed anew. */
const listingAgeMs = 240_000;
/** After a failed listing: not every sweep of the round is one of its own. */
const failedAgeMs = 15_000;

export function createSweeper(context: Context): Sweeper {
  const { clock, store, signal, log, placements } = context;
  const later = createLater({ what: "sweep", clock, log, signal });
  const counts = new Map<string, { readonly colo: ColoId; readonly count: number }>();

  async function keysOf(index: string): Promise<string[]> {
    const keys: string[] = [];
    let afterKey = "";
    for (let page = 0; page < pagesMax; page++) {
      const hints = await store.listHints({ index, afterKey, hintsMax: pageMax }, { signal });
      keys.push(...hints.map(({ key }) => key));
      if (hints.length < pageMax) break;
      afterKey = hints.at(-1)!.key;
    }
    return keys;
  }

  /** Groups that an older version made, or a restore brought back, have their accounts swept, too. */
  async function complete({ id: colo }: Colo): Promise<void> {
    const known = new Set(await keysOf(accountIndex(colo)));
    const named = await keysOf(placementIndex(colo));
    const accounts = new Set(named.map((key) => placementOfHint(colo, { key }).account));
    const missing = [...accounts].filter((account) => !known.has(account));
    for (let at = 0; at < missing.length; at += pageMax) {
      const hints = missing.slice(at, at + pageMax);
      await store.putHints(
        hints.map((account) => accountHint({ account, colo })),
        { signal },
      );
    }
  }

  async function round(colo: Colo): Promise<void> {
    const accounts = (await keysOf(accountIndex(colo.id))) as AccountId[];
    accounts.forEach((account, index) => {
      later((roundMs * (index + 1)) / (accounts.length + 1), () => trySweep(colo, account));
    });
    later(roundMs, () => round(colo));
  }

  /** One that fails is not repeated at once: the next round is. */
  async function trySweep(colo: Colo, account: AccountId): Promise<void> {
    try {
      await sweep(colo, account);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ colo: colo.id, account, error: String(error) }, "an account could not be swept");
    }
  }

  async function sweep(colo: Colo, account: AccountId): Promise<void> {
    const text = `${colo.id}/${account}`;
    if (!colo.leases.holdsAccount(account)) {
      counts.delete(text);
      return;
    }
    const listing = await listed(colo, account);
    if (!listing) return; // The next round looks again; what is on record stays.
    const groups = new Set(await keysOf(orphanIndex({ account, colo: colo.id })));
    for (const placement of listing.byPlacement.keys()) {
      const [group = "", tagged] = placement.split("/");
      if (tagged === colo.id) groups.add(group);
    }
    let count = 0;
    for (const group of groups) {
      const key: PlacementKey = { account, group: group as GroupId, colo: colo.id };
      count += await look(colo, key, listing.byPlacement.get(`${group}/${colo.id}`) ?? []);
    }
    if (count > 0) counts.set(text, { colo: colo.id, count });
    else counts.delete(text);
  }

  async function listed(colo: Colo, account: AccountId): Promise<AccountListing | undefined> {
    const looked = await colo.servers.look(account, listingAgeMs);
    if (looked.kind === "seen") return looked.value;
    const again = await colo.servers.look(account, failedAgeMs);
    return again.kind === "seen" ? again.value : undefined;
  }

  /** @returns how many there are in the name of a placement that does not exist. */
  async function look(
    colo: Colo,
    key: PlacementKey,
    servers: readonly CloudServer[],
  ): Promise<number> {
    const { group } = await context.groups.get(key, signal);
    if (group?.placements.some((one) => one.colo === key.colo)) return 0; // Its own turns look.
    const actor = placements.open(key);
    actor.distrust(); // Whoever holds it may have reported, or ended, the placement.
    const { doc, servers: rows, orphans: known } = await actor.state(signal);
    if (doc) return 0;
    const hint = orphanHint(key);
    const strays = straysIn({ rows, listed: servers }).length;
    if (strays === 0 && known.size === 0) {
      await store.deleteHints([hint], { signal });
      return 0;
    }
    const ids = askAbout({ nowMs: clock.nowMs(), key, rows, known, listed: servers });
    const lookedUp = await lookUp({ eyes: eyesOf(colo), clock }, key, ids);
    // First: a report that nothing leads to would never be seen again.
    await store.putHints([hint], { signal });
    const changed = await actor.change((state) => {
      if (state.doc) return { change: {}, reply: false };
      const { servers: rows, orphans: known } = state;
      const seen = { nowMs: clock.nowMs(), key, rows, known, listed: servers, lookedUp };
      const { fresh, gone } = judgeStrays(seen);
      const events = fresh.map((row) =>
        context.events.make("server.orphan", { causes: [orphanCause(row)] }),
      );
      const reply = fresh.length + gone.length > 0;
      return { change: { orphans: fresh, orphansGone: gone, events }, reply };
    });
    // Who holds its lease learns what was written.
    if (changed) context.wake(key);
    return strays;
  }

  return {
    start() {
      for (const colo of context.colos.values()) {
        later(beginMs, async () => {
          await complete(colo);
          await round(colo);
        });
      }
    },
    stop: later.stop,
    strays() {
      const sums = new Map<ColoId, number>();
      for (const { colo, count } of counts.values()) sums.set(colo, (sums.get(colo) ?? 0) + count);
      return sums;
    },
  };
}
