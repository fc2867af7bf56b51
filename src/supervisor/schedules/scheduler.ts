import { type ColoId, type PlacementKey, placementText } from "../../core/model/ids.js";
import type { Timer } from "../../core/ports/clock.js";
import type { Context } from "../context.js";
import { createLater } from "../later.js";
import { dueHint, dueIndex, dueText, placementOfDue } from "../placements/hints.js";
import { createIndexWrites } from "./index-writes.js";

/**
 * Knows which placements have something due when (B7.2): from the store's index, which it reads for
 * the shards that this node holds, and from turns, which look at schedules anyway.
 */
export interface Scheduler {
  start(): void;
  stop(): void;
  /** Something is due there then, as a turn found. */
  arm(key: PlacementKey, atMs: number): void;
  /** Shards were gained: their index is read soon. */
  stir(colo: ColoId): void;
}

interface Armed {
  readonly key: PlacementKey;
  /** Infinity: not until it is armed again. */
  atMs: number;
  /** Due times under which the index has it. */
  readonly hints: Set<number>;
  isRunning: boolean;
}

const lookMs = 10_000;
/** What is due within this waits in memory for its moment. */
const aheadMs = 30_000;
/** What is written by a slow watch is found there. */
const behindMs = 60_000;
const stirDelayMs = 20;
const pageMax = 500;
/** Moments nearer to each other than this are one. */
const tickMs = 20;
/** One that is due again at once still leaves room for others. */
const againMs = 100;
const retryMs = 2_000;

export function createScheduler(
  context: Context,
  run: (key: PlacementKey) => Promise<number | undefined>,
): Scheduler {
  const { clock, store, log, signal } = context;
  const later = createLater({ what: "looking for what is due", clock, log, signal });
  const writes = createIndexWrites({ store, later, signal });
  const armed = new Map<string, Armed>();
  /** Those that are armed for a moment and do not run: a storm of runs leaves few of them. */
  const waiting = new Set<Armed>();
  /** Shards that are held, and whose index was read from its beginning since they were gained. */
  const read = new Map<ColoId, ReadonlySet<number>>();
  const stirred = new Set<ColoId>();
  let timer: Timer | undefined;
  let timerAtMs = Number.POSITIVE_INFINITY;
  let stopped = false;

  const leasesOf = ({ colo }: PlacementKey) => context.colos.get(colo)!.leases;
  const hintOf = (key: PlacementKey, atMs: number) =>
    dueHint({ key, shard: leasesOf(key).shardOf(key), atMs });

  function armedOf(key: PlacementKey): Armed {
    const text = placementText(key);
    const known = armed.get(text);
    if (known) return known;
    const atMs = Number.POSITIVE_INFINITY;
    const fresh: Armed = { key, atMs, hints: new Set(), isRunning: false };
    armed.set(text, fresh);
    return fresh;
  }

  function setTimer(dueMs: number): void {
    const nowMs = clock.nowMs();
    const atMs = Math.min(Math.ceil(dueMs / tickMs) * tickMs, nowMs + aheadMs);
    if (stopped || atMs >= timerAtMs) return;
    timer?.cancel();
    timerAtMs = atMs;
    timer = clock.after(Math.max(0, atMs - nowMs), fire);
  }

  function fire(): void {
    timerAtMs = Number.POSITIVE_INFINITY;
    const nowMs = clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const one of waiting) {
      if (one.atMs <= nowMs) begin(one);
      else nextMs = Math.min(nextMs, one.atMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) setTimer(nextMs);
  }

  function begin(one: Armed): void {
    waiting.delete(one);
    one.atMs = Number.POSITIVE_INFINITY;
    one.isRunning = true;
    const { key } = one;
    const run = () => runOne(one);
    context.hands.take({ key: `due/${placementText(key)}`, colo: key.colo, isAwaited: false, run });
  }

  async function runOne(one: Armed): Promise<void> {
    const { key } = one;
    const begunMs = clock.nowMs();
    try {
      if (stopped || !leasesOf(key).holds(key)) return;
      const nextMs = await run(key);
      if (nextMs !== undefined) enter(one, nextMs);
      leave(one, begunMs, nextMs);
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ ...key, error: String(error) }, "schedules did not run; they do later");
      wait(one, clock.nowMs() + retryMs);
    } finally {
      one.isRunning = false;
      if (one.atMs < Number.POSITIVE_INFINITY) rearm(one);
      else if (one.hints.size === 0) armed.delete(placementText(key));
    }
  }

  /** It stands in the index, and waits here. */
  function enter(one: Armed, atMs: number): void {
    if (!one.hints.has(atMs)) {
      one.hints.add(atMs);
      writes.put(hintOf(one.key, atMs));
    }
    wait(one, Math.max(atMs, clock.nowMs() + (one.isRunning ? againMs : 0)));
  }

  /** What is over leaves the index, after the next one is in it. */
  function leave(one: Armed, begunMs: number, nextMs: number | undefined): void {
    for (const atMs of one.hints) {
      if (atMs > begunMs || atMs === nextMs) continue;
      one.hints.delete(atMs);
      writes.delete(hintOf(one.key, atMs));
    }
  }

  function wait(one: Armed, atMs: number): void {
    if (atMs >= one.atMs) return;
    one.atMs = atMs;
    if (!one.isRunning) rearm(one);
  }

  /** One that runs is armed again when it is done. */
  function rearm(one: Armed): void {
    waiting.add(one);
    setTimer(one.atMs);
  }

  /** What other nodes work on by now is theirs to remember. */
  function forget(colo: ColoId): void {
    for (const [text, one] of armed) {
      if (one.key.colo !== colo || one.isRunning || leasesOf(one.key).holds(one.key)) continue;
      armed.delete(text);
      waiting.delete(one);
    }
  }

  async function look(colo: ColoId): Promise<void> {
    stirred.delete(colo);
    forget(colo);
    const held = context.colos.get(colo)!.leases.heldShards();
    const known = read.get(colo) ?? new Set<number>();
    read.set(colo, new Set(held));
    for (const shard of held) {
      if (!known.has(shard)) await lookInto(colo, shard, "").catch(leaveToPatrol);
      await lookInto(colo, shard, dueText(clock.nowMs() - behindMs));
    }
  }

  /** Deletions of a busy day may lie in the way: what is missed is found by turns. */
  function leaveToPatrol(error: unknown): void {
    if (!signal.aborted) log.warn({ error: String(error) }, "not all that is due could be read");
  }

  async function lookInto(colo: ColoId, shard: number, fromKey: string): Promise<void> {
    const index = dueIndex(colo, shard);
    const soonMs = clock.nowMs() + aheadMs;
    let afterKey = fromKey;
    for (;;) {
      const hints = await store.listHints({ index, afterKey, hintsMax: pageMax }, { signal });
      const due = hints.map((hint) => placementOfDue({ colo, shard }, hint));
      const soon = due.filter(({ atMs }) => atMs <= soonMs);
      for (const { key, atMs } of soon) {
        if (writes.isLeaving(hintOf(key, atMs))) continue;
        const one = armedOf(key);
        one.hints.add(atMs);
        wait(one, atMs);
      }
      if (soon.length < pageMax) break;
      afterKey = hints.at(-1)!.key;
    }
  }

  async function lookOn(colo: ColoId): Promise<void> {
    await look(colo);
    later(lookMs, () => lookOn(colo));
  }

  return {
    start() {
      for (const colo of context.colos.keys()) later(0, () => lookOn(colo));
    },
    stop() {
      stopped = true;
      timer?.cancel();
      later.stop();
    },
    arm: (key, atMs) => enter(armedOf(key), atMs),
    stir(colo) {
      if (stirred.has(colo)) return;
      stirred.add(colo);
      later(stirDelayMs, () => look(colo));
    },
  };
}
