import type { Group } from "../core/model/group.js";
import type { AccountId, ColoId, PlacementKey } from "../core/model/ids.js";
import type { Context } from "./context.js";
import { createLater } from "./later.js";
import {
  askedHint,
  askedIndex,
  placementIndex,
  placementOfHint,
  workIndex,
} from "./placements/hints.js";

/**
 * Makes sure that no placement is forgotten: those with work at once after a start, a gained lease
 * or a lifted brake; all of them every so often, spread, whatever got lost (B4.9).
 */
export interface Patrol {
  start(): void;
  stop(): void;
  /** Something changed for the whole colo: look at what has work there. */
  stir(colo: ColoId): void;
  /** Something changed for such groups: look at what they have here. */
  stirGroups(isOne: (group: Group) => boolean): void;
  /** Something changed for all that an account has in the colo. */
  stirAccount(colo: ColoId, account: AccountId): void;
}

/** Every placement is looked at once in this time (B4.9). */
const roundMs = 300_000;
const pageMax = 100;
const pauseMs = 1_000;
/** Many stirs within this time are one look. */
const stirDelayMs = 20;
/** How soon a node notices what another one was asked for in its stead. */
const listenMs = 1_000;

export function createPatrol(context: Context): Patrol {
  const { clock, store, signal, log } = context;
  const later = createLater({ what: "patrol", clock, log, signal });
  const stirred = new Set<ColoId>();

  function wakeHere(key: PlacementKey): void {
    if (context.colos.get(key.colo)?.leases.holds(key)) context.wake(key);
  }

  /** What other nodes were asked for and this one works on. */
  async function listen(colo: ColoId): Promise<void> {
    let afterKey = "";
    for (;;) {
      const page = { index: askedIndex(colo), afterKey, hintsMax: pageMax };
      const hints = await store.listHints(page, { signal });
      const ours = hints
        .map((hint) => placementOfHint(colo, hint))
        .filter((key) => context.colos.get(colo)?.leases.holds(key));
      // Forgotten first: what comes from now on is a hint of its own.
      if (ours.length > 0) await store.deleteHints(ours.map(askedHint), { signal });
      for (const key of ours) {
        context.placements.distrust(key);
        context.groups.distrust(key);
        context.wakeNow(key);
      }
      if (hints.length < pageMax) break;
      afterKey = hints.at(-1)!.key;
    }
    later(listenMs, () => listen(colo));
  }

  async function wakeWork(colo: ColoId): Promise<void> {
    stirred.delete(colo);
    let afterKey = "";
    for (;;) {
      const page = { index: workIndex(colo), afterKey, hintsMax: pageMax };
      const hints = await store.listHints(page, { signal });
      for (const hint of hints) wakeHere(placementOfHint(colo, hint));
      if (hints.length < pageMax) return;
      afterKey = hints.at(-1)!.key;
    }
  }

  /** Keys begin with the account, and come in their order. */
  async function wakeAccount(colo: ColoId, account: AccountId): Promise<void> {
    let afterKey = `${account}/`;
    for (;;) {
      const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
      const hints = await store.listHints(page, { signal });
      const keys = hints.map((hint) => placementOfHint(colo, hint));
      const own = keys.filter((key) => key.account === account);
      for (const key of own) wakeHere(key);
      if (own.length < pageMax) return;
      afterKey = hints.at(-1)!.key;
    }
  }

  async function wakeGroups(colo: ColoId, isOne: (group: Group) => boolean): Promise<void> {
    let afterKey = "";
    for (;;) {
      const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
      const hints = await store.listHints(page, { signal });
      for (const hint of hints) {
        const key = placementOfHint(colo, hint);
        const group = context.groups.peek(key) ?? (await context.groups.get(key, signal)).group;
        if (group && isOne(group)) wakeHere(key);
      }
      if (hints.length < pageMax) return;
      afterKey = hints.at(-1)!.key;
    }
  }

  /** One page, then a pause as long as its share of the round. */
  async function walk(colo: ColoId, afterKey: string): Promise<void> {
    const page = { index: placementIndex(colo), afterKey, hintsMax: pageMax };
    const hints = await store.listHints(page, { signal });
    const spreadMs = hints.length < pageMax ? roundMs : pauseMs;
    hints.forEach((hint, index) => {
      const delayMs = (spreadMs * (index + 1)) / (hints.length + 1);
      later(delayMs, async () => {
        const key = placementOfHint(colo, hint);
        context.placements.distrust(key);
        wakeHere(key);
      });
    });
    const next = hints.length < pageMax ? "" : hints.at(-1)!.key;
    later(next === "" ? roundMs : pauseMs, () => walk(colo, next));
  }

  return {
    start() {
      for (const colo of context.colos.keys()) {
        later(0, () => wakeWork(colo));
        later(pauseMs, () => walk(colo, ""));
        later(listenMs, () => listen(colo));
      }
    },
    stop: later.stop,
    stir(colo) {
      if (stirred.has(colo)) return;
      stirred.add(colo);
      later(stirDelayMs, () => wakeWork(colo));
    },
    stirGroups(isOne) {
      for (const colo of context.colos.keys()) later(stirDelayMs, () => wakeGroups(colo, isOne));
    },
    stirAccount: (colo, account) => later(stirDelayMs, () => wakeAccount(colo, account)),
  };
}
