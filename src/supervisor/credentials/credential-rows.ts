import { isFault } from "../../core/errors/fault.js";
import type { Clock, Ids } from "../../core/ports/clock.js";
import type { Sealed } from "../../core/ports/secret-box.js";
import type { Hint, PartitionId, Store } from "../../core/ports/store.js";
import { commitOnce } from "../commit-once.js";
import { notifierIndex } from "../placements/hints.js";
import { serialOrCopy } from "../serial-or-copy.js";

export interface CredentialKey {
  readonly account: string;
  readonly colo: string;
}

/** As stored: JSON. What is not sealed stands for itself, and the seal is bound to it. */
export interface CredentialDoc {
  readonly revision: string;
  readonly setAtMs: number;
  readonly setBy: string;
  readonly sealed: Sealed;
}

/** Rows of credentials, in the partition of the account in its colo. */
export interface CredentialRows {
  read(key: CredentialKey, signal: AbortSignal): Promise<CredentialDoc | undefined>;
  /** Undefined deletes. The last writer wins. Resolves to whether there was one before. */
  write(key: CredentialKey, doc: CredentialDoc | undefined, signal: AbortSignal): Promise<boolean>;
  /** Only in place of the same revision. */
  replace(key: CredentialKey, doc: CredentialDoc, signal: AbortSignal): Promise<void>;
  /** Accounts of the colo that may have credentials under another key than this one. */
  underOtherKeys(colo: string, newest: string, signal: AbortSignal): Promise<readonly string[]>;
  /** There are none under another key than this one. */
  settle(key: CredentialKey, newest: string, signal: AbortSignal): Promise<void>;
  /** Whether any was ever written, for any account, or a notifier's secret beside them. */
  wereAny(signal: AbortSignal): Promise<boolean>;
}

const row = { kind: "credentials", key: "cloud" } as const;
const attemptsMax = 8;
/** Says where credentials were ever written, and under which key: what is deleted leaves it. */
const index = "credentials";
const hintOf = ({ account, colo }: CredentialKey, sealedWith: string): Hint => ({
  ...{ index, key: `${colo}/${account}`, value: sealedWith },
});
const pageMax = 500;
const pagesMax = 200;

export function createCredentialRows(deps: {
  readonly store: Store;
  readonly ids: Ids;
  readonly clock: Clock;
}): CredentialRows {
  const { store, ids, clock } = deps;

  async function commit(
    { account, colo }: CredentialKey,
    expectedRevision: number,
    doc: CredentialDoc | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const partition = partitionOf({ account, colo });
    const commitId = ids.next();
    const change = doc
      ? {
          puts: [{ ...row, value: JSON.stringify(doc) }],
          deletes: [],
          hints: [hintOf({ account, colo }, doc.sealed.key)],
        }
      : { puts: [], deletes: [row], hints: [] };
    const order = { partition, expectedRevision, commitId, events: [], ...change };
    await commitOnce(store, order, signal);
  }

  return {
    async read(key, signal) {
      const [found] = await serialOrCopy({
        ...{ clock, signal },
        read: (call) => store.read(partitionOf(key), [row], call),
        isThere: ([copy]) => copy !== undefined,
      });
      return found && docIn(found.value);
    },
    async write(key, doc, signal) {
      for (let attempt = 1; ; attempt++) {
        const loaded = await store.load(partitionOf(key), [row.kind], { signal });
        const existed = loaded.rows.length > 0;
        if (!doc && !existed) return false;
        try {
          await commit(key, loaded.revision, doc, signal);
          return existed;
        } catch (error) {
          const isRaced = isFault(error, "PLACEMENT_CHANGED") || isFault(error, "COMMIT_UNKNOWN");
          if (!isRaced || attempt >= attemptsMax) throw error;
        }
      }
    },
    async replace(key, doc, signal) {
      const loaded = await store.load(partitionOf(key), [row.kind], { signal });
      const [found] = loaded.rows;
      if (found && docIn(found.value).revision === doc.revision)
        await commit(key, loaded.revision, doc, signal);
    },
    async underOtherKeys(colo, newest, signal) {
      const accounts: string[] = [];
      let afterKey = `${colo}/`;
      for (let page = 0; page < pagesMax; page++) {
        const hints = await store.listHints({ index, afterKey, hintsMax: pageMax }, { signal });
        const own = hints.filter(({ key }) => key.startsWith(`${colo}/`));
        const other = own.filter(({ value }) => value !== newest);
        accounts.push(...other.map(({ key }) => key.slice(colo.length + 1)));
        if (own.length < pageMax) break;
        afterKey = hints.at(-1)!.key;
      }
      return accounts;
    },
    settle: (key, newest, signal) => store.putHints([hintOf(key, newest)], { signal }),
    async wereAny(signal) {
      for (const one of [index, notifierIndex]) {
        const page = { index: one, afterKey: "", hintsMax: 1 };
        if ((await store.listHints(page, { signal })).length > 0) return true;
      }
      return false;
    },
  };
}

function partitionOf({ account, colo }: CredentialKey): PartitionId {
  return { scope: "account", key: `${account}/${colo}` };
}

function docIn(value: string): CredentialDoc {
  return JSON.parse(value) as CredentialDoc;
}
