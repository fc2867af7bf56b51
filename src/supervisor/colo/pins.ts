import { isFault } from "../../core/errors/fault.js";
import type { ColoId } from "../../core/model/ids.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { PartitionId, Store } from "../../core/ports/store.js";
import { createRecent } from "../recent.js";
import { serialOrCopy } from "../serial-or-copy.js";

/** What goes with every request to the cloud; nothing where the cloud has no projects. */
export interface Pin {
  readonly project?: string;
}

/**
 * The project of each account in one colo: the one that its credentials answered for first, on
 * record before any other call is made, and changed only by a person (B9.7).
 */
export interface Pins {
  /** Read once; asked of the cloud and written down where there is none yet. */
  of(account: string, ask: () => Promise<string | undefined>): Promise<Pin>;
  /** As this node knows it. */
  known(account: string): Pin | undefined;
  /** Read again: another node may have been told another. */
  read(account: string): Promise<Pin | undefined>;
  set(account: string, project: string | undefined, principal: string): Promise<void>;
}

interface PinDoc {
  readonly project: string;
  readonly sinceMs: number;
  readonly principal: string;
}

const accountsMax = 10_000;
const attemptsMax = 5;

export function createPins(deps: {
  readonly colo: ColoId;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly signal: AbortSignal;
}): Pins {
  const { colo, store, clock, ids, signal } = deps;
  const call = { signal };
  const pins = createRecent<string, Pin>(accountsMax);
  const asking = new Map<string, Promise<Pin>>();
  const partitionOf = (account: string): PartitionId => ({
    scope: "account",
    key: `${account}/${colo}`,
  });

  async function load(account: string) {
    const { revision, rows } = await serialOrCopy({
      ...{ clock, signal },
      read: (how) => store.load(partitionOf(account), ["pin"], how),
      isThere: (copy) => copy.rows.length > 0,
    });
    const doc = rows[0] && (JSON.parse(rows[0].value) as PinDoc);
    if (doc) pins.set(account, { project: doc.project });
    return { revision, doc };
  }

  async function write(account: string, expectedRevision: number, doc: PinDoc): Promise<void> {
    const row = { kind: "pin", key: "project", value: JSON.stringify(doc) };
    const partition = partitionOf(account);
    const commit = { partition, expectedRevision, commitId: ids.next(), puts: [row] };
    await store.commit({ ...commit, deletes: [], events: [], hints: [] }, call);
    pins.set(account, { project: doc.project });
  }

  /** The first answer is the pin; who loses the race takes the winner's. */
  async function pin(account: string, ask: () => Promise<string | undefined>): Promise<Pin> {
    let answered: string | undefined;
    for (let attempt = 1; ; attempt++) {
      const { revision, doc } = await load(account);
      if (doc) return { project: doc.project };
      answered ??= await ask();
      if (answered === undefined) {
        pins.set(account, {});
        return {};
      }
      try {
        await write(account, revision, docOf(answered, "muster:first-answer"));
        return { project: answered };
      } catch (error) {
        if (attempt >= attemptsMax || !isRaced(error)) throw error;
      }
    }
  }

  const docOf = (project: string, principal: string): PinDoc => ({
    ...{ project, principal },
    sinceMs: clock.nowMs(),
  });

  return {
    of(account, ask) {
      const known = pins.get(account);
      if (known) return Promise.resolve(known);
      const running =
        asking.get(account) ?? pin(account, ask).finally(() => asking.delete(account));
      asking.set(account, running);
      return running;
    },
    known: (account) => pins.peek(account),
    async read(account) {
      await load(account);
      return pins.get(account);
    },
    async set(account, project, principal) {
      if (project === undefined) {
        pins.set(account, {});
        return;
      }
      for (let attempt = 1; ; attempt++) {
        const { revision } = await load(account);
        try {
          return await write(account, revision, docOf(project, principal));
        } catch (error) {
          if (attempt >= attemptsMax || !isRaced(error)) throw error;
        }
      }
    },
  };
}

/** Reading again tells what stands. */
function isRaced(error: unknown): boolean {
  return isFault(error, "PLACEMENT_CHANGED") || isFault(error, "COMMIT_UNKNOWN");
}
