import { checkStranger, strangersIn } from "../../core/invariants/check-listing.js";
import type { Violation } from "../../core/invariants/violation.js";
import type {
  AccountId,
  CloudServerId,
  ColoId,
  GroupId,
  PlacementKey,
} from "../../core/model/ids.js";
import type { Clock } from "../../core/ports/clock.js";
import type { AccountListing } from "../converge/watch.js";
import type { PlacementBook } from "../placements/placement-book.js";
import { createRecent } from "../recent.js";
import type { Where } from "./findings.js";

/** Holds complete listings against the ledgers (I1, I5). */
export interface Strangers {
  listed(colo: ColoId, account: AccountId, listing: AccountListing): void;
  /** A look at the very server found none: who still lists it is late. */
  denied(colo: ColoId, account: AccountId, cloudId: CloudServerId): void;
}

/** A listing is gone through this often at most: nothing here is a matter of seconds. */
const everyMs = 30_000;
/**
 * For so long, and in so many listings, a server may be without explanation: listings lag behind
 * what was deleted, look-ups may fail, and a quiet account is listed every five minutes.
 */
const boundMs = 15 * 60_000;
const sightingsMin = 4;
const accountsMax = 10_000;
/** A stranger is looked up anew with every turn: who was denied lately is none. */
const deniedMax = 20_000;
/** More at once are told of by their first ones. */
const strangersMax = 1_000;

interface Seen {
  readonly sinceMs: number;
  readonly times: number;
}

interface Account {
  readonly atMs: number;
  readonly strangers: ReadonlyMap<string, Seen>;
}

export function createStrangers(deps: {
  readonly clock: Clock;
  readonly placements: Pick<PlacementBook, "peek" | "open">;
  readonly holds: (key: PlacementKey) => boolean;
  readonly signal: AbortSignal;
  readonly report: (found: readonly Violation[], where: Where) => void;
  /** Called for every listing that is gone through. */
  readonly checked: () => void;
}): Strangers {
  const { clock, placements, holds, signal, report } = deps;
  const accounts = createRecent<string, Account>(accountsMax);
  const denials = createRecent<string, number>(deniedMax);

  /** What no placement stands for is reported by the account's node, which may be another one. */
  function refresh(key: PlacementKey): void {
    const actor = placements.open(key);
    actor.distrust();
    actor.state(signal).catch(() => undefined);
  }

  function check(
    before: Account | undefined,
    account: AccountId,
    colo: ColoId,
    listing: AccountListing,
  ) {
    const nowMs = clock.monotonicMs();
    const strangers = new Map<string, Seen>();
    for (const [text, servers] of listing.byPlacement) {
      const [group, tagged] = text.split("/") as [GroupId, ColoId];
      const key: PlacementKey = { account, group, colo };
      if (tagged !== colo || !holds(key)) continue;
      const ledger = placements.peek(key);
      if (!ledger) {
        // Nobody here knows it, not even that it is gone: by the next listing it is known.
        refresh(key);
        continue;
      }
      const found = strangersIn(ledger, servers);
      // What was in memory when the lease came may be older than they are.
      if (found.length > 0) refresh(key);
      for (const one of found) {
        if (strangers.size >= strangersMax) break;
        const deniedAtMs = denials.get(`${colo}/${account}/${one.cloudId}`);
        if (deniedAtMs !== undefined && nowMs - deniedAtMs < boundMs) continue;
        const id = `${text}/${one.cloudId}`;
        const { sinceMs, times } = before?.strangers.get(id) ?? { sinceMs: nowMs, times: 0 };
        strangers.set(id, { sinceMs, times: times + 1 });
        if (times + 1 < sightingsMin) continue;
        const broken = checkStranger(one, { forMs: nowMs - sinceMs, boundMs });
        if (broken) report([broken], { colo, key });
      }
    }
    return { atMs: nowMs, strangers };
  }

  return {
    denied(colo, account, cloudId) {
      denials.set(`${colo}/${account}/${cloudId}`, clock.monotonicMs());
    },
    listed(colo, account, listing) {
      const text = `${colo}/${account}`;
      const before = accounts.get(text);
      if (before && clock.monotonicMs() - before.atMs < everyMs) return;
      deps.checked();
      accounts.set(text, check(before, account, colo, listing));
    },
  };
}
