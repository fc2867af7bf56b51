import { Fault, isFault } from "../core/errors/fault.js";
import type { Group } from "../core/model/group.js";
import {
  type GroupKey,
  groupText,
  type NotifierId,
  type PolicyId,
  type ScheduleId,
} from "../core/model/ids.js";
import type { Notifier } from "../core/model/notifier.js";
import { type Policy, queryOf } from "../core/model/policy.js";
import type { Schedule } from "../core/model/schedule.js";
import { type Webhook, webhookText } from "../core/model/webhook.js";
import type { Clock, Ids } from "../core/ports/clock.js";
import type { Hint, PartitionId, ReadCall, Row, RowKey, Store } from "../core/ports/store.js";
import { commitOnce } from "./commit-once.js";
import { measuredIndex, namedGroupHint, notifierIndex, webhookHint } from "./placements/hints.js";
import { createRecent } from "./recent.js";
import { serialOrCopy } from "./serial-or-copy.js";

/** A group's configuration with all that belongs to it: one partition, written by users' edits alone. */
export interface GroupEntry {
  readonly revision: number;
  /** Undefined: there is no such group. */
  readonly group: Group | undefined;
  readonly policies: ReadonlyMap<PolicyId, Policy>;
  /** By policy and id. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly schedules: ReadonlyMap<ScheduleId, Schedule>;
  readonly notifiers: ReadonlyMap<NotifierId, Notifier>;
  /** The request that created it, so that its repeat gets the first answer again (B1.3). */
  readonly createdBy: CreationMark | undefined;
}

export interface CreationMark {
  readonly requestId: string;
  readonly fingerprint: string;
  readonly expiresAtMs: number;
}

export interface GroupChange {
  /** Removed with its notifiers. */
  readonly group?: Group | "remove";
  readonly policies?: readonly Policy[];
  /** With their webhooks. */
  readonly policiesGone?: readonly PolicyId[];
  readonly webhooks?: readonly Webhook[];
  readonly webhooksGone?: readonly Webhook[];
  readonly schedules?: readonly Schedule[];
  readonly schedulesGone?: readonly ScheduleId[];
  readonly notifiers?: readonly Notifier[];
  readonly notifiersGone?: readonly NotifierId[];
  readonly createdBy?: CreationMark;
  readonly hints?: readonly Hint[];
}

/** Groups as this node knows them: read from the store, then kept for a few seconds. */
export interface GroupBook {
  /**
   * At most `freshMs` behind other nodes' edits; longer only while the store is away. Then one
   * caller at a time waits to see whether it is back.
   */
  get(key: GroupKey, signal: AbortSignal): Promise<GroupEntry>;
  /** The next `get` asks the store again. */
  distrust(key: GroupKey): void;
  /** As last read, without waiting; undefined when it is not in memory. */
  peek(key: GroupKey): Group | undefined;
  /** Reads again from the store. */
  refresh(key: GroupKey, signal: AbortSignal): Promise<GroupEntry>;
  /** `decide` is pure, may run again on a newer entry, and may throw Faults. */
  change<Reply>(
    key: GroupKey,
    decide: (entry: GroupEntry) => { readonly change: GroupChange; readonly reply: Reply },
    signal: AbortSignal,
  ): Promise<Reply>;
}

const cachedMax = 20_000;
const attemptsMax = 8;
const freshMs = 5_000;

interface Kept {
  readonly entry: GroupEntry;
  readonly readAtMs: number;
}

export function createGroupBook(deps: {
  readonly store: Store;
  readonly ids: Ids;
  readonly clock: Clock;
}): GroupBook {
  const { store, ids, clock } = deps;
  const cache = createRecent<string, Kept>(cachedMax);
  /** Since the store was last asked in vain; undefined while it answers. */
  let away: { readonly untilMs: number } | undefined;

  const refresh = async (key: GroupKey, signal: AbortSignal) => (await read(key, { signal })).entry;

  async function read(key: GroupKey, call: ReadCall) {
    const isCopy = call.from !== undefined;
    const readAtMs = isCopy ? Number.NEGATIVE_INFINITY : clock.monotonicMs();
    const loaded = await store.load(groupPartition(key), "all", call);
    if (!isCopy) away = undefined;
    return { entry: keep(key, entryOf(loaded.revision, loaded.rows), readAtMs), isCopy };
  }

  /** A slow read must not put an older entry in place of a newer one. */
  function keep(key: GroupKey, entry: GroupEntry, readAtMs: number): GroupEntry {
    const text = groupText(key);
    const known = cache.get(text);
    const newest = known && known.entry.revision >= entry.revision ? known.entry : entry;
    cache.set(text, { entry: newest, readAtMs: Math.max(readAtMs, known?.readAtMs ?? readAtMs) });
    return newest;
  }

  async function get(key: GroupKey, signal: AbortSignal): Promise<GroupEntry> {
    const known = cache.get(groupText(key));
    // That there is no such group is never taken from memory: another node may have made it.
    const isKnown = known?.entry.group !== undefined;
    const nowMs = clock.monotonicMs();
    if (isKnown && nowMs - known.readAtMs < freshMs) return known.entry;
    if (isKnown && away && nowMs < away.untilMs) return known.entry;
    if (isKnown && away) away = { untilMs: Number.POSITIVE_INFINITY };
    try {
      const { entry, isCopy } = await serialOrCopy({
        ...{ clock, signal },
        read: (call) => read(key, call),
        isThere: (copy) => isKnown || copy.entry.group !== undefined,
      });
      if (isCopy) away = { untilMs: clock.monotonicMs() + freshMs };
      return entry;
    } catch (error) {
      const isAway = isFault(error, "STORE_UNAVAILABLE");
      if (isAway || away) away = { untilMs: clock.monotonicMs() + freshMs };
      if (!isKnown || !isAway) throw error;
      return known.entry;
    }
  }

  /** What hints name is looked at before it is believed: one that stays does no harm. */
  function forgetTokens(
    before: GroupEntry,
    { webhooks }: GroupEntry,
    key: GroupKey,
    signal: AbortSignal,
  ): void {
    const kept = new Set([...webhooks.values()].map(({ tokenHash }) => tokenHash));
    const gone = [...before.webhooks.values()].filter(({ tokenHash }) => !kept.has(tokenHash));
    if (gone.length > 0) store.deleteHints(tokensOf(gone, key), { signal }).catch(() => undefined);
  }

  return {
    get,
    refresh,
    distrust(key) {
      const known = cache.peek(groupText(key));
      if (known) cache.set(groupText(key), { ...known, readAtMs: Number.NEGATIVE_INFINITY });
    },
    peek: (key) => cache.peek(groupText(key))?.entry.group,
    async change(key, decide, signal) {
      for (let attempt = 1; ; attempt++) {
        const before =
          attempt === 1
            ? (cache.get(groupText(key))?.entry ?? (await refresh(key, signal)))
            : await refresh(key, signal);
        const { change, reply } = decide(before);
        const next = after(before, change);
        const { puts, deletes } = rowsOf(before, next, change);
        if (puts.length === 0 && deletes.length === 0) return reply;
        const commit = {
          partition: groupPartition(key),
          expectedRevision: before.revision,
          commitId: ids.next(),
          ...{ puts, deletes, events: [], hints: hintsOf(change, key) },
        };
        try {
          await commitOnce(store, commit, signal);
        } catch (error) {
          cache.delete(groupText(key)); // Who can't tell what stands must read it again.
          const isAgain = isFault(error, "COMMIT_UNKNOWN") || isFault(error, "PLACEMENT_CHANGED");
          if (isAgain && attempt < attemptsMax) continue;
          throw error;
        }
        keep(key, next, clock.monotonicMs());
        forgetTokens(before, next, key, signal);
        return reply;
      }
    },
  };
}

function groupPartition(key: GroupKey): PartitionId {
  return { scope: "group", key: groupText(key) };
}

function entryOf(revision: number, rows: readonly Row[]): GroupEntry {
  const of = <Value>(kind: string) =>
    rows.filter((row) => row.kind === kind).map((row) => JSON.parse(row.value) as Value);
  return {
    revision,
    group: of<Group>("group")[0],
    policies: new Map(of<Policy>("policy").map((policy) => [policy.id, policy])),
    webhooks: new Map(of<Webhook>("webhook").map((webhook) => [webhookText(webhook), webhook])),
    schedules: new Map(of<Schedule>("schedule").map((schedule) => [schedule.id, schedule])),
    notifiers: new Map(of<Notifier>("notifier").map((notifier) => [notifier.id, notifier])),
    createdBy: of<CreationMark>("creation")[0],
  };
}

function after(before: GroupEntry, change: GroupChange): GroupEntry {
  const policies = changed(before.policies, change.policies, change.policiesGone);
  const webhooks = new Map(before.webhooks);
  for (const webhook of change.webhooks ?? []) webhooks.set(webhookText(webhook), webhook);
  for (const webhook of change.webhooksGone ?? []) webhooks.delete(webhookText(webhook));
  for (const [text, { policy }] of webhooks) if (!policies.has(policy)) webhooks.delete(text);
  const notified = change.group === "remove" ? new Map() : before.notifiers;
  return {
    revision: before.revision + 1,
    group: change.group === "remove" ? undefined : (change.group ?? before.group),
    policies,
    webhooks,
    schedules: changed(before.schedules, change.schedules, change.schedulesGone),
    notifiers: changed(notified, change.notifiers, change.notifiersGone),
    createdBy: change.createdBy ?? before.createdBy,
  };
}

function changed<Id, One extends { readonly id: Id }>(
  before: ReadonlyMap<Id, One>,
  puts: readonly One[] = [],
  gone: readonly Id[] = [],
): ReadonlyMap<Id, One> {
  const after = new Map(before);
  for (const one of puts) after.set(one.id, one);
  for (const id of gone) after.delete(id);
  return after;
}

function tokensOf(webhooks: readonly Webhook[], key: GroupKey): Hint[] {
  return webhooks.map(({ tokenHash }) => webhookHint(tokenHash, key));
}

function hintsOf(change: GroupChange, key: GroupKey): Hint[] {
  const { hints = [], webhooks = [], notifiers = [], policies = [] } = change;
  const named = notifiers.length > 0 ? [namedGroupHint(notifierIndex, key)] : [];
  const measured = policies.some((one) => queryOf(one) !== undefined)
    ? [namedGroupHint(measuredIndex, key)]
    : [];
  return [...hints, ...tokensOf(webhooks, key), ...named, ...measured];
}

function rowsOf(
  before: GroupEntry,
  next: GroupEntry,
  change: GroupChange,
): { puts: Row[]; deletes: RowKey[] } {
  const self = { kind: "group", key: "self" };
  const puts: Row[] = [];
  const deletes: RowKey[] = [];
  if (change.group === "remove") {
    if (before.group) deletes.push(self);
  } else if (change.group && change.group !== before.group)
    puts.push({ ...self, value: JSON.stringify(change.group) });
  const rows = (kind: string, all: readonly { readonly id: string }[] = []) =>
    all.map((one) => ({ kind, key: one.id, value: JSON.stringify(one) }));
  puts.push(...rows("policy", change.policies), ...rows("schedule", change.schedules));
  puts.push(...rows("notifier", change.notifiers));
  for (const key of change.policiesGone ?? []) deletes.push({ kind: "policy", key });
  for (const key of change.schedulesGone ?? []) deletes.push({ kind: "schedule", key });
  for (const webhook of change.webhooks ?? [])
    puts.push({ kind: "webhook", key: webhookText(webhook), value: JSON.stringify(webhook) });
  for (const text of before.webhooks.keys())
    if (!next.webhooks.has(text)) deletes.push({ kind: "webhook", key: text });
  for (const id of before.notifiers.keys())
    if (!next.notifiers.has(id)) deletes.push({ kind: "notifier", key: id });
  if (change.createdBy) {
    const value = JSON.stringify(change.createdBy);
    const { expiresAtMs } = change.createdBy;
    puts.push({ kind: "creation", key: "self", value, expiresAtMs });
  }
  return { puts, deletes };
}

/** @throws Fault `ETAG_MISMATCH` */
export function checkGeneration(
  stored: { readonly generation: number },
  expected: number | undefined,
): void {
  if (expected === undefined || stored.generation === expected) return;
  throw new Fault("ETAG_MISMATCH", { say: "it was edited since this etag was read" });
}
