import { isFault } from "../../core/errors/fault.js";
import { type GroupKey, groupText } from "../../core/model/ids.js";
import type { Notifier } from "../../core/model/notifier.js";
import type { SecretBox } from "../../core/ports/secret-box.js";
import type { Context } from "../context.js";
import { createLater } from "../later.js";
import { notifierBound } from "./notifier-bound.js";

/** Seals notifiers' secrets with the newest key, as those of accounts are, once they are used. */
export interface NotifierResealer {
  start(): void;
  stop(): void;
}

const beginMs = 5_000;
const roundMs = 300_000;

export function createNotifierResealer(
  context: Context,
  box: SecretBox,
  groupsTold: () => readonly GroupKey[],
): NotifierResealer {
  const { clock, log, signal, groups, installation } = context;
  const later = createLater({ what: "sealing notifiers' secrets anew", clock, log, signal });

  async function round(): Promise<void> {
    const told = new Map(groupsTold().map((key) => [groupText(key), key]));
    if (told.size > 0) await resealAll([...told.values()]);
    later(roundMs, round);
  }

  async function resealAll(keys: readonly GroupKey[]): Promise<void> {
    const newest = await box.newestKey();
    let [resealed, failed] = [0, 0];
    for (const key of keys) {
      const { notifiers } = await groups.get(key, signal);
      const older = [...notifiers.values()].filter(({ secret }) => secret.key !== newest);
      const sealed: Notifier[] = [];
      for (const one of older) {
        const secret = await sealAnew(one);
        if (secret) sealed.push({ ...one, secret });
      }
      failed += older.length - sealed.length;
      if (sealed.length > 0) await replace(key, sealed);
      resealed += sealed.length;
    }
    if (resealed > 0) log.warn({ resealed }, "notifiers' secrets sealed with the newest key");
    if (failed > 0) log.error({ failed }, "notifiers' secrets that no key opens: make them anew");
  }

  /** Undefined: no key opens it. */
  async function sealAnew({ uid, secret }: Notifier): Promise<Notifier["secret"] | undefined> {
    const bound = notifierBound(installation, uid);
    try {
      return await box.seal(await box.open(secret, bound), bound);
    } catch (error) {
      if (isFault(error, "CREDENTIALS_UNREADABLE")) return undefined;
      throw error;
    }
  }

  /** Those that are still there, and that no other node has sealed anew meanwhile. */
  function replace(key: GroupKey, sealed: readonly Notifier[]): Promise<undefined> {
    return groups.change(
      key,
      (entry) => {
        const notifiers = sealed.filter(({ id, uid, secret }) => {
          const stored = entry.notifiers.get(id);
          return stored?.uid === uid && stored.secret.key !== secret.key;
        });
        return { change: { notifiers }, reply: undefined };
      },
      signal,
    );
  }

  return {
    start: () => later(beginMs, round),
    stop: later.stop,
  };
}
