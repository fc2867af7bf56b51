import { type GroupKey, groupText, type NotifierId } from "../../core/model/ids.js";
import type { Notifier } from "../../core/model/notifier.js";
import type { Counter } from "../../core/ports/meter.js";
import type { Colo } from "../colo/colo.js";
import type { Context } from "../context.js";
import { createLater } from "../later.js";
import { createFollower, type Follower } from "./follower.js";
import { notifierBound } from "./notifier-bound.js";
import type { Notifying } from "./notifying.js";
import type { Pages } from "./pages.js";
import { createPlaces } from "./places.js";

/** Has the notifiers of one shard's groups told of one colo's events, while this node holds it. */
export interface Runner {
  /** The group has these now. Those that it had and has no more are told nothing from then on. */
  look(key: GroupKey, notifiers: ReadonlyMap<NotifierId, Notifier>): void;
  /** Whose notifiers are told from here. */
  groups(): readonly GroupKey[];
  /** There are new events. */
  news(): void;
  stop(): void;
}

/** How soon what was told, and to whom no more, is noted. */
const tendMs = 1_000;
/** A place that moved without an event of its own is noted now and then. */
const saveMsMax = 60_000;
/** A group is looked at again, since no turn tells of one that is gone. */
const lookMsMax = 60_000;

interface Told {
  readonly key: GroupKey;
  readonly notifiers: readonly Notifier[];
  /** On the monotonic clock. */
  readonly seenMs: number;
}

export function createRunner(
  context: Context,
  { colo, shard }: { readonly colo: Colo; readonly shard: number },
  deps: { readonly notifying: Notifying; readonly pages: Pages; readonly told: Counter },
): Runner {
  const { clock, store, signal, log, ids } = context;
  const { box, sender } = deps.notifying;
  const later = createLater({ what: "telling notifiers", clock, log, signal });
  const places = createPlaces({ colo: colo.id, shard, store, ids });
  const wanted = new Map<string, Told>();
  const followers = new Map<string, Follower>();
  const saved = new Map<string, { settled: number; cursor: string; atMs: number }>();
  /** Whose places are to be forgotten. */
  const gone = new Set<string>();
  /** As they stand in the store; undefined: not read since the lease was gained. */
  let known: Map<string, string> | undefined;
  let isTending = false;

  function stopAll(): void {
    for (const one of followers.values()) one.stop();
    followers.clear();
    saved.clear();
    known = undefined;
  }

  function follow(key: GroupKey, notifier: Notifier, before: ReadonlyMap<string, string>): void {
    const { uid, id } = notifier;
    if (followers.has(uid)) return;
    // One that is older than beginnings were kept, or than the colo, is told from the start.
    const cursor = before.get(uid) ?? notifier.beginsAfter?.[colo.id] ?? "";
    const of = { key, notifier, colo: colo.id, cursor, clock, ids, log, signal };
    const secretOf = () => openSecret(key, id);
    const follower = createFollower({ ...of, ...deps, sender, secretOf });
    followers.set(uid, follower);
  }

  /** As it stands by now: it may have been sealed anew. */
  async function openSecret(key: GroupKey, id: NotifierId): Promise<Uint8Array> {
    const notifier = (await context.groups.get(key, signal)).notifiers.get(id);
    if (!notifier) throw new Error("the notifier is deleted");
    const bound = notifierBound(context.installation, notifier.uid);
    return Buffer.from(await box.open(notifier.secret, bound), "base64");
  }

  async function save(before: Map<string, string>): Promise<void> {
    const changes = new Map<string, string | undefined>();
    const nowMs = clock.monotonicMs();
    for (const [uid, follower] of followers) {
      const last = saved.get(uid);
      const now = { settled: follower.settled(), cursor: follower.cursor(), atMs: nowMs };
      if (last?.cursor === now.cursor) continue;
      const isDue = last === undefined || nowMs - last.atMs >= saveMsMax;
      if (!isDue && last.settled === now.settled) continue;
      changes.set(uid, now.cursor);
      saved.set(uid, now);
    }
    const forgotten = [...gone];
    for (const uid of forgotten) if (before.has(uid)) changes.set(uid, undefined);
    if (changes.size > 0) await places.save(changes, signal);
    for (const [uid, cursor] of changes)
      if (cursor !== undefined) before.set(uid, cursor);
      else before.delete(uid);
    for (const uid of forgotten) gone.delete(uid);
  }

  async function tend(): Promise<void> {
    if (!colo.leases.heldShards().includes(shard)) {
      // Whoever gains it reads the index.
      stopAll();
      wanted.clear();
      gone.clear();
    } else
      try {
        known ??= new Map(await places.load(signal));
        await lookAgain();
        for (const { key, notifiers } of wanted.values())
          for (const one of notifiers) follow(key, one, known);
        await save(known);
      } catch (error) {
        // Another node may have taken over: what is told twice is known by its id.
        stopAll();
        throw error;
      }
    isTending = wanted.size > 0 || gone.size > 0;
    if (isTending) later(tendMs, tend);
    else known = undefined;
  }

  async function lookAgain(): Promise<void> {
    for (const { key, seenMs } of [...wanted.values()])
      if (clock.monotonicMs() - seenMs >= lookMsMax)
        look(key, (await context.groups.get(key, signal)).notifiers);
  }

  function leave({ uid }: Notifier): void {
    followers.get(uid)?.stop();
    followers.delete(uid);
    saved.delete(uid);
    gone.add(uid);
  }

  function look(key: GroupKey, notifiers: ReadonlyMap<NotifierId, Notifier>): void {
    const text = groupText(key);
    const all = [...notifiers.values()];
    const stay = new Set(all.map(({ uid }) => uid));
    for (const one of wanted.get(text)?.notifiers ?? []) if (!stay.has(one.uid)) leave(one);
    if (all.length > 0) wanted.set(text, { key, notifiers: all, seenMs: clock.monotonicMs() });
    else wanted.delete(text);
    if (isTending || (wanted.size === 0 && gone.size === 0)) return;
    isTending = true;
    later(0, tend);
  }

  return {
    look,
    groups: () => [...wanted.values()].map(({ key }) => key),
    news() {
      for (const one of followers.values()) one.stir();
    },
    stop() {
      later.stop();
      stopAll();
    },
  };
}
