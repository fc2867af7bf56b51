import type { AccountId, GroupKey } from "../../core/model/ids.js";
import type { Notifier } from "../../core/model/notifier.js";
import type { Counter } from "../../core/ports/meter.js";
import type { Hint } from "../../core/ports/store.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { groupOfHint, notifierIndex } from "../placements/hints.js";
import { createFollower, type Follower } from "./follower.js";
import { notifierBound } from "./notifier-bound.js";
import type { Notifying } from "./notifying.js";
import { createPages } from "./pages.js";
import { createPlaces } from "./places.js";

/** Has the notifiers told of one colo's events, while it is this node that is to do so. */
export interface Runner {
  /** Looks which notifiers there are, and notes how far each is. Once at a time. */
  look(): Promise<void>;
  stir(): void;
  stop(): void;
}

/** No account has this name: which node does the work is settled as for an account's. */
const lane = "-notifiers" as AccountId;
const hintsMax = 500;
const pagesMax = 200;
/** Where the feed ended lately, to begin there with a notifier that is young. */
const headsMax = 20;
/** By how much nodes' clocks may differ. */
const clockSkewMs = 5_000;
/** A place that moved without an event of its own is noted now and then. */
const saveMsMax = 60_000;

export function createRunner(
  context: Context,
  colo: Colo,
  { notifying, told }: { readonly notifying: Notifying; readonly told: Counter },
): Runner {
  const { clock, store, signal, log, ids } = context;
  const places = createPlaces({ colo: colo.id, store, ids });
  const pages = createPages(store, signal);
  const followers = new Map<string, Follower>();
  const saved = new Map<string, { settled: number; cursor: string; atMs: number }>();
  let heads: readonly { readonly atMs: number; readonly cursor: string }[] = [];
  let known: ReadonlyMap<string, string> | undefined;

  async function secretOf({ uid, secret }: Notifier): Promise<Uint8Array> {
    const text = await notifying.box.open(secret, notifierBound(context.installation, uid));
    return Buffer.from(text, "base64");
  }

  function stopAll(): void {
    for (const one of followers.values()) one.stop();
    followers.clear();
    saved.clear();
    known = undefined;
  }

  async function wanted(): Promise<Map<string, { key: GroupKey; notifier: Notifier }>> {
    const found = new Map<string, { key: GroupKey; notifier: Notifier }>();
    let afterKey = "";
    for (let page = 0; page < pagesMax; page++) {
      const asked = { index: notifierIndex, afterKey, hintsMax };
      const hints = await store.listHints(asked, { signal });
      for (const hint of hints) {
        const key = groupOfHint(hint);
        const { group, notifiers } = await context.groups.get(key, signal);
        for (const notifier of notifiers.values()) found.set(notifier.uid, { key, notifier });
        if (!group) await forget(key, hint);
      }
      if (hints.length < hintsMax) break;
      afterKey = hints.at(-1)!.key;
    }
    return found;
  }

  /** A hint may be older than what it tells of: one of a group that is there stays. */
  async function forget(key: GroupKey, hint: Hint): Promise<void> {
    await store.deleteHints([hint], { signal });
    const { notifiers } = await context.groups.refresh(key, signal);
    if (notifiers.size > 0) await store.putHints([hint], { signal });
  }

  /** Before anything that happened since it was made; what happened before is left out anyway. */
  function beginningOf({ createdAtMs }: Notifier): string {
    const before = heads.filter(({ atMs }) => atMs < createdAtMs - clockSkewMs);
    return before.at(-1)?.cursor ?? "";
  }

  async function save(): Promise<void> {
    const changes = new Map<string, string | undefined>();
    const nowMs = clock.monotonicMs();
    for (const [uid, follower] of followers) {
      const before = saved.get(uid);
      const now = { settled: follower.settled(), cursor: follower.cursor(), atMs: nowMs };
      if (before?.cursor === now.cursor) continue;
      const isDue = before === undefined || nowMs - before.atMs >= saveMsMax;
      if (!isDue && before.settled === now.settled) continue;
      changes.set(uid, now.cursor);
      saved.set(uid, now);
    }
    for (const uid of known?.keys() ?? []) if (!followers.has(uid)) changes.set(uid, undefined);
    if (changes.size === 0) return;
    await places.save(changes, signal);
    known = new Map([...followers].map(([uid, follower]) => [uid, follower.cursor()]));
  }

  return {
    async look() {
      if (!colo.leases.holdsAccount(lane)) {
        stopAll();
        return;
      }
      try {
        known ??= await places.load(signal);
        const head = { atMs: clock.nowMs(), cursor: await store.feedHead({ signal }) };
        const all = await wanted();
        for (const [uid, follower] of followers)
          if (!all.has(uid)) {
            follower.stop();
            followers.delete(uid);
            saved.delete(uid);
          }
        for (const [uid, one] of all) {
          if (followers.has(uid)) continue;
          const cursor = known.get(uid) ?? beginningOf(one.notifier);
          const of = {
            ...one,
            colo: colo.id,
            cursor,
            pages,
            secretOf,
            told,
            clock,
            ids,
            log,
            signal,
          };
          followers.set(uid, createFollower({ ...of, sender: notifying.sender }));
        }
        heads = [...heads, head].slice(-headsMax);
        await save();
      } catch (error) {
        // Another node may have taken over: what is told twice is known by its id.
        stopAll();
        throw error;
      }
    },
    stir() {
      for (const one of followers.values()) one.stir();
    },
    stop: stopAll,
  };
}
