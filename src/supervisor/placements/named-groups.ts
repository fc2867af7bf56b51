import type { ColoId, PlacementKey } from "../../core/model/ids.js";
import type { Hint } from "../../core/ports/store.js";
import type { Context } from "../context.js";
import type { GroupEntry } from "../group-book.js";
import { createLater } from "../later.js";
import { groupOfHint } from "./hints.js";

/** Is told of groups as they are now: by turns, and where leases were gained. Cheap. */
export interface Onlooker {
  look(key: PlacementKey, entry: GroupEntry): void;
}

/**
 * Finds the groups of an index whose placements this node works on from now on. After that turns
 * tell of what changes, so that what nobody uses costs nothing.
 */
export interface NamedGroups {
  /** Leases may have been gained there. */
  stir(colo: ColoId): void;
  stop(): void;
}

const stirDelayMs = 20;
const hintsMax = 500;

export function createNamedGroups(
  context: Pick<Context, "clock" | "store" | "groups" | "colos" | "log" | "signal">,
  index: string,
  { look }: Onlooker,
): NamedGroups {
  const { clock, store, groups, colos, log, signal } = context;
  const later = createLater({ what: `reading ${index}`, clock, log, signal });
  const stirred = new Set<ColoId>();

  async function read(colo: ColoId): Promise<void> {
    stirred.delete(colo);
    let afterKey = "";
    for (;;) {
      const hints = await store.listHints({ index, afterKey, hintsMax }, { signal });
      for (const hint of hints) await find(colo, hint);
      if (hints.length < hintsMax) return;
      afterKey = hints.at(-1)!.key;
    }
  }

  /** From the store: what another node wrote right before it gave the lease away counts. */
  async function find(colo: ColoId, hint: Hint): Promise<void> {
    const key = { ...groupOfHint(hint), colo };
    if (!colos.get(colo)?.leases.holds(key)) return;
    const entry = await groups.refresh(key, signal);
    if (entry.group) look(key, entry);
    else await forget(key, hint);
  }

  /** A group may be made at this very moment: then its hint stays. */
  async function forget(key: PlacementKey, hint: Hint): Promise<void> {
    await store.deleteHints([hint], { signal });
    const entry = await groups.refresh(key, signal);
    if (!entry.group) return;
    await store.putHints([hint], { signal });
    look(key, entry);
  }

  return {
    stir(colo) {
      if (stirred.has(colo)) return;
      stirred.add(colo);
      later(stirDelayMs, () => read(colo));
    },
    stop: later.stop,
  };
}
